"""What the menu of the content pages leaves out. Wagtail finds this module by its name."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from wagtail import hooks

CLOSED = {"users", "groups"}


@hooks.register("construct_settings_menu")
def leave_out_what_is_closed(request: HttpRequest, items: list[Any]) -> None:
    """See `closed.py`."""
    items[:] = [item for item in items if item.name not in CLOSED]
