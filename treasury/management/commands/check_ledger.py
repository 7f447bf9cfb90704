"""`manage.py check_ledger`: whether the books are right. The exit status says it, the output says where not."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from treasury.ledger_checks import Report, run_checks


class Command(BaseCommand):
    help = (
        "Derives every balance anew from the transfers, compares it with what is stored, and checks all else that must "
        "hold. Exits with 1 and the differences if something does not. Reads only; safe at any time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the report as JSON")
        parser.add_argument("--limit", type=int, default=20, help="differences to print for each check (default: 20)")

    def handle(self, **options: Any) -> None:
        report = run_checks(limit=options["limit"])
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report) | {"clean": report.clean}, indent=2))
        elif options["verbosity"] or not report.clean:
            self._describe(report)
        if not report.clean:
            sys.exit(1)

    def _describe(self, report: Report) -> None:
        self.stdout.write(f"{report.accounts} accounts, {report.transfers} transfers")
        for asset, debits, credits_ in report.totals:
            self.stdout.write(f"{asset}: debit balances {debits}, credit balances {credits_}")
        for outcome in report.outcomes:
            for difference in outcome.first:
                self.stdout.write(
                    f"DIFFERENCE {difference.check}: {difference.subject}: "
                    f"expected {difference.expected}, found {difference.found}"
                )
            if outcome.total > len(outcome.first):
                self.stdout.write(f"DIFFERENCE {outcome.check}: and {outcome.total - len(outcome.first)} more")
        differences = sum(outcome.total for outcome in report.outcomes)
        checks = f"{len(report.outcomes)} checks"
        self.stdout.write(f"{checks}: {differences} differences" if differences else f"{checks}: the ledger is right")
