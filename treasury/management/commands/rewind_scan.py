"""Believe the chain as it is from a block on, and read it again from there: after a reorg deeper than is known."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from treasury import deposits
from treasury.chains import registry
from treasury.chains.errors import ChainError, ConfigurationError


class Command(BaseCommand):
    help = "Set a network's deposit cursor back to a block; deposits above it that the chain lost are taken back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("network")
        parser.add_argument("to_block", type=int)

    def handle(self, *, network: str, to_block: int, **options: Any) -> None:
        try:
            registry.network(network)
            rewound = deposits.rewind_scan(network, to_block=to_block)
        except (ChainError, ConfigurationError, ValueError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"{network}: the scan stands at block {rewound.position.cursor.number},"
            f" {rewound.taken_back} deposits were taken back."
        )
