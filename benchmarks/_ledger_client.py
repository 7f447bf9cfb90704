"""One client of the ledger: `_ledger_client <workload> <seconds> <customers> <run> <number>`; see `Bench.clients`."""

from __future__ import annotations

import json
import random
import sys
import time

import django

PLATFORM = "asset:arbitrum:deposit"
PAYER = "float:bench"


def available(customer: int) -> str:
    return f"customer:{customer}:available"


def fund(customers: int, **_: object) -> int:
    """Gives the payer and every customer money, enough for any run."""
    from treasury.ledger import Posting, post, post_many

    post(Posting("fund:payer", PLATFORM, PAYER, 10**15, "bench"))
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


def pay_out(customers: int, seconds: float, label: str) -> int:
    """As many `post_many` as `seconds` says: each pays something to every customer, in an order of no account."""
    from treasury.ledger import Posting, post_many

    dice = random.Random(label)
    done = 0
    for batch in range(int(seconds)):
        people = enumerate(dice.sample(range(customers), customers))
        done += post_many(
            Posting(f"{label}:{batch}:{number}", PAYER, available(person), 1, "bench") for number, person in people
        )
    return done


def growth(customers: int, label: str, **_: object) -> int:
    """For each line `<seconds>` that comes in: posts, then reads, for half of them each; answers with both costs."""
    from treasury.ledger import balance

    done = 0
    for number, line in enumerate(sys.stdin):
        half = float(line) / 2
        posts = random_transfers(customers, half, f"{label}:{number}")
        dice = random.Random(number)
        end = time.perf_counter() + half
        reads = 0
        while time.perf_counter() < end:
            balance(available(dice.randrange(customers)))
            reads += 1
        print(json.dumps({"post_us": half / posts * 1e6, "read_us": half / reads * 1e6}), flush=True)
        done += posts
    return done


def main() -> None:
    workload, seconds, customers, run, number = sys.argv[1:]
    label = f"{run}:{number}"
    django.setup()
    from django.db import connection

    work = {
        "fund": fund, "random": random_transfers, "hot": hot_transfers, "pay_out": pay_out,
        "growth": growth,
    }[workload]  # fmt: skip
    with connection.cursor() as cursor:  # connected before the clock runs
        cursor.execute("SELECT 1")
    print("ready", flush=True)
    sys.stdin.readline()
    begin = time.perf_counter()
    done = work(customers=int(customers), seconds=float(seconds), label=label)
    print(json.dumps({"done": done, "seconds": time.perf_counter() - begin}))


if __name__ == "__main__":
    main()
