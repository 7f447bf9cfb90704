import gc

from django.apps import AppConfig


class StartedConfig(AppConfig):
    name = "portal.started"
    label = "started"
    verbose_name = "Started"

    def ready(self) -> None:
        """Django and what belongs to it are half a million objects, none of which is ever freed. The garbage collector
        need not look through them again and again: each time would stop requests and payments for 80 ms. Nor need it
        while they are made (see settings/base.py)."""
        gc.freeze()
        gc.enable()
