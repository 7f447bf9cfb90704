"""What people do in a running demo, by the product's own operations: run as a process with the demo's environment.

`python -m tests.support.demo_actions withdraw|alarms|check_ledger`; the answer is JSON on standard output.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import django


def money() -> Any:
    from devnet.places import state_folder
    from devnet.seed import Money

    folder = state_folder()
    password = json.loads((folder / "secrets.json").read_text(encoding="utf-8"))["demo_password"]
    return Money(password, Path(folder / "networks.toml"))


def withdraw(network: str, first: str, *addresses: str) -> None:
    """One approved withdrawal per address: of `first` micro-USDT, then one more each. Approved all at the end."""
    hands = money()
    rows = [
        hands.withdraw("anna", network, address, micro=int(first) + number, key=f"test-{address}")
        for number, address in enumerate(addresses)
    ]
    for row in rows:
        hands.approve(row, "support")


def alarms() -> list[str]:
    """Keys of the open alarms."""
    from treasury.models import Alarm

    return list(Alarm.objects.filter(resolved_at=None).values_list("key", flat=True))


def check_ledger() -> str:
    from django.core.management import call_command

    call_command("check_ledger", stdout=sys.stderr)
    return "clean"


COMMANDS = {each.__name__: each for each in (withdraw, alarms, check_ledger)}

if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])) + "\n")
