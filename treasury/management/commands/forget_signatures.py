"""Let the signer go on with a database that knows of fewer payments than it has signed. Needs the signer's settings."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from treasury import signing
from treasury.signing.vault import NotTheSigner


class Command(BaseCommand):
    help = (
        "After a restored backup: compare the hot wallet's payments on the chain with the orders first. Whatever was"
        " paid since the copy was made must be settled or closed by hand, or it is paid again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("network")
        parser.add_argument("--compared", action="store_true", help="The chain and the orders were compared.")

    def handle(self, *, network: str, compared: bool, **options: Any) -> None:
        if not compared:
            raise CommandError("Compare the chain with the orders first, then say so with --compared.")
        try:
            forgotten = signing.forget(network)
        except NotTheSigner as error:
            raise CommandError(str(error)) from None
        if forgotten is None:
            raise CommandError(f"Nothing was signed on {network!r}.")
        self.stdout.write(f"{network}: payments up to number {forgotten} are forgotten; the signer goes on.")
