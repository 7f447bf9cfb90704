"""One client of django-hordak: `client <workload> <seconds> <customers> <number>`; the protocol of `Bench.clients`."""

from __future__ import annotations

import json
import random
import sys
import time

import django


def prepare(customers: int, seconds: float, dice: random.Random) -> int:
    """Makes the tables and one account for each customer, as a tree of its own."""
    from django.core.management import call_command
    from django.db import connection
    from hordak.models import Account, AccountType

    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        # It renews every account's full code with each new account, which takes minutes for so many; none has a code.
        cursor.execute("ALTER TABLE hordak_account DISABLE TRIGGER USER")
    made = Account.objects.bulk_create(
        Account(
            name=f"customer {number}", type=AccountType.liability, currencies=["EUR"], lft=1, rght=2, level=0,
            tree_id=number + 1,
        )
        for number in range(customers)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE hordak_account ENABLE TRIGGER USER")
        cursor.execute("SELECT count(*) FROM hordak_account")
        assert cursor.fetchone()[0] == customers
    return len(made)


def random_transfers(customers: int, seconds: float, dice: random.Random) -> int:
    """One `transfer_to`, and one commit, after the other; the accounts are at hand already."""
    from hordak.models import Account
    from moneyed import Money

    accounts = list(Account.objects.all())
    one = Money(1, "EUR")
    end = time.perf_counter() + seconds
    done = 0
    while time.perf_counter() < end:
        a, b = dice.sample(accounts, 2)
        a.transfer_to(b, one)
        done += 1
    return done


def batch(customers: int, seconds: float, dice: random.Random) -> int:
    """As many transfers as `seconds` says, in one transaction."""
    from django.db import transaction
    from hordak.models import Account
    from moneyed import Money

    accounts = list(Account.objects.all())
    one = Money(1, "EUR")
    with transaction.atomic():
        for _ in range(int(seconds)):
            a, b = dice.sample(accounts, 2)
            a.transfer_to(b, one)
    return int(seconds)


def main() -> None:
    workload, seconds, customers, number = sys.argv[1:]
    django.setup()
    from django.db import connection

    work = {"prepare": prepare, "random": random_transfers, "batch": batch}[workload]
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    print("ready", flush=True)
    sys.stdin.readline()
    begin = time.perf_counter()
    done = work(int(customers), float(seconds), random.Random(number))
    print(json.dumps({"done": done, "seconds": time.perf_counter() - begin}))


if __name__ == "__main__":
    main()
