"""How far each network is scanned, as the database has it: no node is asked."""

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Count

from treasury.models import Deposit
from treasury.selectors import NetworkStatus, network_statuses


class Command(BaseCommand):
    help = "Show the watcher's position on every network. Exits with 1 if a network is halted."

    def handle(self, **options: Any) -> None:
        statuses = network_statuses()
        for status in statuses:
            self.stdout.write(_line(status))
            for state, count in (
                Deposit.objects.filter(network=status.code)
                .values_list("state")
                .annotate(count=Count("pk"))
                .order_by("state")
            ):
                self.stdout.write(f"    {state}: {count}")
        if any(status.is_halted for status in statuses):
            sys.exit(1)


def _line(status: NetworkStatus) -> str:
    if status.scanned_number is None:
        return f"{status.code}: not scanned yet"
    seen = "never" if status.seconds_since_head is None else f"{status.seconds_since_head:.0f} s ago"
    line = (
        f"{status.code}: scanned to {status.scanned_number}, head {status.head_number} (seen {seen}),"
        f" {status.lag_blocks} behind, final {status.finalized_number}"
    )
    return f"{line}, HALTED: {status.halt_reason}" if status.is_halted else line
