"""A chain has forgotten payments that were final: hand it the same bytes again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from treasury.broadcasts.recovering import resend_lost_payments
from treasury.chains import registry
from treasury.chains.errors import ChainError


class Command(BaseCommand):
    help = "Send the bytes of final payments that the chain no longer has; exits 1 until all of them are final again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("network")

    def handle(self, *, network: str, **options: Any) -> None:
        if network not in registry.networks():
            raise CommandError(f"There is no network {network!r}.")
        try:
            found = resend_lost_payments(network)
        except ChainError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"sent again {found.resent}, mined again {found.waiting}, final again {found.back}")
        for tx_hash in found.different:
            self.stderr.write(f"{tx_hash} ended differently this time: look at it")
        if not found.is_complete:
            raise CommandError("Not complete. Run it again when these are final, then resume_network.")
        self.stdout.write("The chain shows every payment that was final. Now resume_network.")
