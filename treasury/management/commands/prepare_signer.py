"""What the signer does at its start anyway, at once and by hand: wallets made known, deposit addresses added."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from treasury.keys.ports import KeysError


class Command(BaseCommand):
    help = "Make the hot wallets known and fill the pool of deposit addresses; prints `<network> <address>` a line."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--free", type=int, default=None, help="Have at least so many unassigned addresses.")

    def handle(self, *, free: int | None = None, **options: Any) -> None:
        from treasury import signing

        try:
            wallets = signing.ensure_wallets()
            signing.fill_address_pool(free=free)
        except (KeysError, signing.NotTheSigner, signing.WalletMismatch) as error:
            raise CommandError(str(error)) from None
        for wallet in wallets:
            self.stdout.write(f"{wallet.network} {wallet.address}")
