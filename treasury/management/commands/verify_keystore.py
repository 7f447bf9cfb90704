"""Does the keystore still give the wallets and the deposit addresses that the database shows?"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from treasury.keys.ports import KeysError


class Command(BaseCommand):
    help = "Derive the wallets and a sample of the address pool again and compare. Exits 1 if they differ."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sample", type=int, default=200, help="How many deposit addresses to check.")
        parser.add_argument("--all", action="store_true", help="Check every deposit address.")

    def handle(self, *, sample: int = 200, **options: Any) -> None:
        from treasury import signing

        try:
            report = signing.verify_keystore(sample=None if options["all"] else sample)
        except (KeysError, signing.NotTheSigner) as error:
            raise CommandError(str(error)) from None
        for line in report.wrong:
            self.stderr.write(line)
        if report.wrong:
            raise CommandError(f"{len(report.wrong)} differences: another keystore, or changed rows.")
        self.stdout.write(
            f"The keystore opens and gives the pool's key, {report.wallets} wallets and {report.addresses} deposit"
            " addresses as they are in the database."
        )
