"""Enter into the ledger what the hot wallets hold when they go into use."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from treasury.chains import registry
from treasury.chains.errors import ChainError
from treasury.models import Wallet
from treasury.opening import book_opening_balances


class Command(BaseCommand):
    help = "Book the hot wallets' balances on chain as opening balances, once for each network."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("network", nargs="*", help="Network codes; all of them by default.")

    def handle(self, *, network: list[str], **options: Any) -> None:
        for code in network or list(registry.networks()):
            try:
                micro, wei = book_opening_balances(network=code)
            except Wallet.DoesNotExist:
                raise CommandError(f"{code}: the signer has not made the hot wallet known yet.") from None
            except ChainError as error:
                raise CommandError(f"{code}: {error}") from None
            self.stdout.write(f"{code}: {micro} micro-USDT, {wei} wei")
