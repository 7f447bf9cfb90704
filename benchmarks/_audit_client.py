"""One client of `audit`: `_audit_client <people|ask> <clients> <turns> <run> <number>`; see `Bench.clients`.

Of four turns the first and the last are with the audit, so that no drift favours either. The client whose number is
one too high is the linker.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import django

TURN_SECONDS = 0.5
COUNTED = 0.95
CUSTOMERS = 200
AMOUNT_MICRO = 20_000_000


def people(clients: int) -> None:
    """Customers with money, some for each client."""
    from allauth.mfa.models import Authenticator
    from django.utils import timezone

    from accounts.models import User, UserProfile
    from treasury import ledger

    users = User.objects.bulk_create(
        User(email=f"c{client}-{number}@example.test", password="!", is_active=True)
        for client in range(clients)
        for number in range(CUSTOMERS)
    )
    known = set(UserProfile.objects.values_list("user_id", flat=True))
    profiles = [UserProfile(user=user, any_address_from=timezone.now()) for user in users if user.pk not in known]
    UserProfile.objects.bulk_create(profiles)
    Authenticator.objects.bulk_create(Authenticator(user=user, type="totp", data={"secret": "-"}) for user in users)
    ledger.post_many(
        ledger.Posting(f"fund:{user.pk}", "asset:arbitrum:deposit", f"customer:{user.pk}:available", 10**14, "bench")
        for user in users
    )


@contextmanager
def audited(active: bool) -> Iterator[None]:
    """Without the audit its functions do nothing at all."""
    from accounts import activity

    own = activity.record, activity.record_many
    if not active:
        activity.record = activity.record_many = lambda *_args, **_named: None  # type: ignore[assignment]
    try:
        yield
    finally:
        activity.record, activity.record_many = own


def ask(turns: int, label: str, number: int) -> dict[str, float]:
    """Withdrawals, one after the other; milliseconds a request, with and without the audit."""
    from django.utils import timezone

    from accounts.activity import Origin
    from accounts.models import User
    from accounts.second_factor import Proof, StepUp
    from payouts import withdrawals
    from treasury.chains.addresses import checksummed

    customers = list(User.objects.filter(email__startswith=f"c{number}-").order_by("pk").values_list("pk", flat=True))
    origin = Origin("192.0.2.7", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    times: dict[str, list[float]] = {"with_audit": [], "without": []}

    def once(count: int) -> None:
        customer = customers[count % CUSTOMERS]
        withdrawals.request_withdrawal(
            customer_id=customer,
            network="arbitrum",
            address=checksummed(hashlib.sha256(f"{label}:{number}:{count}".encode()).digest()[:20]),
            amount_micro=AMOUNT_MICRO,
            idempotency_key=f"{label}:{number}:{count}",
            step_up=StepUp(proven=Proof(customer, "totp", timezone.now())),  # a code of minutes ago
            origin=origin,
        )

    for count in range(20):
        once(count)
    count = 20
    begun = begin()
    for turn in range(turns):
        with audited(is_audited(turn)):
            end = begun + (turn + 1) * TURN_SECONDS
            measured = times["with_audit" if is_audited(turn) else "without"]
            while (before := time.perf_counter()) < end:
                once(count)
                count += 1
                measured.append((time.perf_counter() - before) * 1000)
    return {name: trimmed(measured) for name, measured in times.items()}


def is_audited(turn: int) -> bool:
    return turn % 4 in {0, 3}


def trimmed(measured: list[float]) -> float:
    """The mean of all but the slowest."""
    return statistics.mean(sorted(measured)[: max(1, int(len(measured) * COUNTED))])


def link(turns: int) -> dict[str, float]:
    """Once in each first turn of four, which is with the audit."""
    from accounts.activity_chain import link_entries

    link_entries()
    begun = begin()
    linked = 0
    for turn in range(0, turns, 4):
        time.sleep(max(0.0, begun + (turn + 0.2) * TURN_SECONDS - time.perf_counter()))
        linked += link_entries()
    time.sleep(max(0.0, begun + turns * TURN_SECONDS - time.perf_counter()))
    return {"linked": linked}


def begin() -> float:
    print("ready", flush=True)
    sys.stdin.readline()
    return time.perf_counter()


def main() -> None:
    what, clients, turns, label, number = sys.argv[1:]
    django.setup()
    if what == "people":
        begin()
        people(int(clients))
        print(json.dumps({"done": 1, "seconds": 1}))
    elif number == clients:
        print(json.dumps(link(int(turns))))
    else:
        print(json.dumps(ask(int(turns), label, int(number))))


if __name__ == "__main__":
    main()
