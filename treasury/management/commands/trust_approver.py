"""Tell the signer whose approvals it may believe. Needs the signer's settings, on the signer's machine."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.second_factor.evidence import fingerprint
from accounts.second_factor.secrets import SeedUnreadable
from treasury import signing
from treasury.keys.ports import KeysError
from treasury.models import ApproverKey


class Command(BaseCommand):
    help = (
        "Introduce a member of the staff's second factors to the signer: it pays nothing that was not approved with one"
        " of them. Do it with the person there, or on the phone: they read out a code of their app, and compare the"
        " fingerprint of a passkey with what their security page shows. Without an address: who is trusted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", nargs="*", help="The person's address; several for several people.")
        parser.add_argument("--revoke", action="store_true", help="Believe none of this person's factors any more.")
        parser.add_argument("--without-asking", action="store_true", help="Everything they have, unseen. For a demo.")

    def handle(self, *, email: list[str], revoke: bool, without_asking: bool, **options: Any) -> None:
        try:
            if not email:
                self._list()
            for person in email:
                if revoke:
                    self._revoke(person)
                else:
                    self._trust(person, without_asking=without_asking)
        except (KeysError, SeedUnreadable, signing.NotTheSigner, signing.NotAnApprover) as error:
            raise CommandError(str(error)) from None

    def _list(self) -> None:
        rows = signing.trusted()
        for row in rows:
            what = self._what(row.kind, bytes(row.material))
            self.stdout.write(f"{row.approver_label}: {what}, trusted since {row.trusted_at:%Y-%m-%d %H:%M} UTC")
        if not rows:
            self.stdout.write("The signer believes nobody's approvals: introduce somebody.")

    def _revoke(self, email: str) -> None:
        count = signing.revoke(email)
        if not count:
            raise CommandError(f"The signer trusts no factor of {email}.")
        self.stdout.write(f"{email}: {count} revoked. What was signed before is not undone.")

    def _trust(self, email: str, *, without_asking: bool) -> None:
        trusted = 0
        for candidate in signing.candidates(email):
            what = f"{self._what(candidate.kind, candidate.material)} {candidate.name}".strip()
            self.stdout.write(f"{candidate.approver_label}: {what}, added {candidate.added_at:%Y-%m-%d %H:%M} UTC")
            try:
                if self._asked(candidate, without_asking=without_asking):
                    trusted += 1
            except signing.WrongCode:
                raise CommandError("That is not a code of this app. Nothing of it was trusted.") from None
        self.stdout.write(f"{trusted} introduced.")

    def _asked(self, candidate: signing.Candidate, *, without_asking: bool) -> bool:
        if without_asking:
            return signing.trust(candidate)
        if candidate.kind == ApproverKey.Kind.APP:
            code = input("  The code that the person's app shows now (empty: leave it out): ").strip()
            return bool(code) and signing.trust(candidate, code=code)
        answer = input("  Does the person's security page show this fingerprint? yes or no: ").strip().lower()
        return answer == "yes" and signing.trust(candidate)

    @staticmethod
    def _what(kind: str, material: bytes) -> str:
        return "app" if kind == ApproverKey.Kind.APP else f"passkey {fingerprint(material)}"
