"""`manage.py check_activity`: is the audit what was written? The exit status says it, the output says where not."""

import datetime as dt
import sys
import time
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.activity_chain.anchors import Anchor, anchor_is_ours, anchor_of
from accounts.activity_chain.checking import Walk, check_chain
from accounts.models import ActivityAnchor, ActivityLink

EVERY_SECONDS = 5.0


class Command(BaseCommand):
    help = (
        "Hashes every entry of the activity log again and compares it with the chain, its links with each other, and"
        " its anchors with the signer's public key. Exits with 1 and a line for each finding. Reads only; safe at any"
        " time. What is older than the anchor of --from-anchor or --since is believed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        start = parser.add_mutually_exclusive_group()
        start.add_argument("--from-anchor", type=int, metavar="NUMBER", help="begin behind this anchor")
        start.add_argument(
            "--since",
            type=dt.date.fromisoformat,
            metavar="DATE",
            help="begin behind the last anchor before this day (UTC)",
        )
        parser.add_argument(
            "--head", action="append", default=[], metavar="POSITION:HASH",
            help="a head that was kept elsewhere, of an anchor or an earlier check: it must be in the chain",
        )  # fmt: skip
        parser.add_argument("--public-key", metavar="HEX", help="the signer's (default: ADDRESS_POOL_PUBLIC_KEY)")
        parser.add_argument("--limit", type=int, default=100, help="findings of a kind to print (default: 100)")
        parser.add_argument(
            "--pending-minutes", type=int, default=5, help="how long linking and anchoring may take (default: 5)"
        )

    def handle(self, **options: Any) -> None:
        key = options["public_key"]
        walk = Walk(
            public_key=key,
            start=_start(options["from_anchor"], options["since"], key),
            pending_seconds=options["pending_minutes"] * 60,
            kept_heads=_heads(options["head"]),
        )
        found: Counter[str] = Counter()
        for finding in check_chain(walk, self._progress_of(options["verbosity"])):
            found[finding.kind] += 1
            if found[finding.kind] <= options["limit"]:
                self.stdout.write(f"FINDING {finding.kind}: {finding.text}")
        for kind, count in sorted(found.items()):
            if count > options["limit"]:
                self.stdout.write(f"FINDING {kind}: and {count - options['limit']} more")
        if options["verbosity"] or found:
            self._sum_up(walk, found.total())
        if found:
            sys.exit(1)

    def _sum_up(self, walk: Walk, findings: int) -> None:
        begun = f" from anchor {walk.start.number} on" if walk.start else ""
        self.stdout.write(
            f"{walk.links} links, {walk.anchors} anchors{begun}; {walk.pending} entries wait for their link"
        )
        if walk.head_hash:
            self.stdout.write(f"head {walk.head}:{walk.head_hash}")
        self.stdout.write(f"{findings} findings" if findings else "the activity log is as it was written")

    def _progress_of(self, verbosity: int) -> Any:
        """A line on standard error each few seconds, for a log that takes longer."""
        shown = time.monotonic()

        def progress(what: str, done: int, total: int) -> None:
            nonlocal shown
            if verbosity and time.monotonic() - shown >= EVERY_SECONDS:
                shown = time.monotonic()
                self.stderr.write(f"{what}: {done} of {total}")

        return progress


def _start(number: int | None, since: dt.date | None, key: str | None) -> Anchor | None:
    """The anchor to begin behind, looked at closely: it is what vouches for all before it."""
    if number is not None:
        row = ActivityAnchor.objects.filter(pk=number).first()
        if row is None:
            raise CommandError(f"There is no anchor {number}.")
    elif since is not None:
        before = dt.datetime.combine(since, dt.time.min, dt.UTC)
        row = ActivityAnchor.objects.filter(signed_at__lt=before).order_by("-number").first()
        if row is None:
            return None
    else:
        return None
    anchor = anchor_of(row)
    link = ActivityLink.objects.filter(pk=anchor.position).first()
    if not anchor_is_ours(anchor, key) or link is None or bytes(link.hash) != anchor.hash:
        raise CommandError(f"Anchor {anchor.number} is not of this chain and this key: check from the beginning.")
    return anchor


def _heads(given: list[str]) -> dict[int, str]:
    heads = {}
    for text in given:
        position, _, digest = text.partition(":")
        if not position.isdecimal() or len(digest) != 64:
            raise CommandError(f"{text!r} is not POSITION:HASH.")
        heads[int(position)] = digest.lower()
    return heads
