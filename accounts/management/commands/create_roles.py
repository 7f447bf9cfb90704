"""Make the staff's groups hold what `accounts/roles.py` says, as `migrate` does; run it after changing the table."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.roles import create_roles


class Command(BaseCommand):
    help = "Create the groups support, finance, treasurer and admin, each with exactly its permissions."

    def handle(self, *args: Any, **options: Any) -> None:
        for role, count in create_roles().items():
            self.stdout.write(f"{role}: {count} permissions")
