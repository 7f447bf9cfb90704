"""One client of the ledger: `_ledger_client <workload> <seconds> <customers> <run> <number>`; see `Bench.clients`."""

from __future__ import annotations

import json
import random
import sys
import time

import django

PLATFORM = "asset:arbitrum:deposit"


def available(customer: int) -> str:
    return f"customer:{customer}:available"


def fund(customers: int, **_: object) -> int:
    """Gives every customer money, enough for any run."""
    from treasury.ledger import Posting, post_many

    return post_many(
        Posting(f"fund:{number}", PLATFORM, available(number), 10**15, "bench") for number in range(customers)
    )


def random_transfers(customers: int, seconds: float, label: str) -> int:
    """One transfer between two random customers after the other."""
    from treasury.ledger import Posting, post

    dice = random.Random(label)
    end = time.perf_counter() + seconds
    done = 0
    while time.perf_counter() < end:
        a = dice.randrange(customers)
        b = (a + dice.randrange(1, customers)) % customers
        post(Posting(f"{label}:{done}", available(a), available(b), 1, "bench"))
        done += 1
    return done


def hot_transfers(customers: int, seconds: float, label: str) -> int:
    """Every transfer touches the one platform account, as deposits do."""
    from treasury.ledger import Posting, post

    dice = random.Random(label)
    end = time.perf_counter() + seconds
    done = 0
    while time.perf_counter() < end:
        post(Posting(f"{label}:{done}", PLATFORM, available(dice.randrange(customers)), 1, "bench"))
        done += 1
    return done


def batch(customers: int, seconds: float, label: str) -> int:
    """10,000 transfers by one `post_many`."""
    from treasury.ledger import Posting, post_many

    dice = random.Random(label)
    pairs = [(a, (a + dice.randrange(1, customers)) % customers) for a in dice.choices(range(customers), k=10_000)]
    return post_many(
        Posting(f"{label}:{number}", available(a), available(b), 1, "bench") for number, (a, b) in enumerate(pairs)
    )


def main() -> None:
    workload, seconds, customers, run, number = sys.argv[1:]
    label = f"{run}:{number}"
    django.setup()
    from django.db import connection

    work = {"fund": fund, "random": random_transfers, "hot": hot_transfers, "batch": batch}[workload]
    with connection.cursor() as cursor:  # connected before the clock runs
        cursor.execute("SELECT 1")
    print("ready", flush=True)
    sys.stdin.readline()
    begin = time.perf_counter()
    done = work(customers=int(customers), seconds=float(seconds), label=label)
    print(json.dumps({"done": done, "seconds": time.perf_counter() - begin}))


if __name__ == "__main__":
    main()
