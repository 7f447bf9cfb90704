"""Let the signer anchor an audit that is not the one it anchored before. Needs the signer's settings."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from treasury import signing


class Command(BaseCommand):
    help = (
        "After a restored backup: the copy lacks what was written and anchored since it was made. If nobody restored"
        " one, somebody has rewritten the audit: keep the database and the signer's files as they are, and find out."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--explained", action="store_true", help="It is known why the anchors do not match.")

    def handle(self, *, explained: bool, **options: Any) -> None:
        if not explained:
            raise CommandError("Find out first why the anchors do not match, then say so with --explained.")
        try:
            forgotten = signing.forget_anchors()
        except signing.NotTheSigner as error:
            raise CommandError(str(error)) from None
        if forgotten is None:
            raise CommandError("Nothing was anchored.")
        self.stdout.write(
            f"Anchor {forgotten.number} is forgotten (head {forgotten.position}:{forgotten.hash.hex()}, signed at"
            f" {forgotten.signed_at.isoformat()}): write it down. The signer goes on."
        )
