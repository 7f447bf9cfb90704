"""Show the recovery phrase to the person who writes it down: once."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from treasury.keys.keystore import KeystoreFile
from treasury.keys.ports import KeysError

CONFIRMATION = "show it again"


class Command(BaseCommand):
    help = "Show the recovery phrase, once; the keystore remembers that it was shown."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--again", action="store_true", help=f'Show it once more; asks to type "{CONFIRMATION}" first.'
        )
        parser.add_argument(
            "--not-a-terminal",
            action="store_true",
            help="Print it although the output is not a terminal: whatever reads the output then holds every key.",
        )

    def handle(self, *, again: bool = False, not_a_terminal: bool = False, **options: Any) -> None:
        from treasury import signing

        try:
            path, passphrase = (
                signing.signer_setting("SIGNER_KEYSTORE_FILE"),
                signing.signer_setting("SIGNER_PASSPHRASE"),
            )
        except signing.NotTheSigner as error:
            raise CommandError(str(error)) from None
        if not (not_a_terminal or sys.stdout.isatty()):
            raise CommandError("The output is not a terminal; the phrase would land in a file or a log.")
        file = KeystoreFile(path)
        try:
            shown_at = file.backed_up_at()
            if shown_at is not None:
                self._confirm(shown_at, again)
            phrase = file.phrase(passphrase)
            file.mark_backed_up()  # before it is shown: it is never shown unmarked
        except KeysError as error:
            raise CommandError(str(error)) from None
        for number, word in enumerate(phrase.split(), start=1):
            self.stdout.write(f"{number:2}. {word}")
        self.stdout.write("Write these words down, in this order, on paper. Whoever has them has the money.")

    def _confirm(self, shown_at: str, again: bool) -> None:
        if not again:
            raise CommandError(f"The phrase was shown at {shown_at}. Add --again to show it once more.")
        self.stdout.write(f'It was shown at {shown_at}. Type "{CONFIRMATION}" to go on:')
        if sys.stdin.readline().strip() != CONFIRMATION:
            raise CommandError("Not confirmed; nothing is shown.")
