"""The same form from two tabs and two processes at once: one request, and the money held back once."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable

from django.db import connection

from payouts import errors
from payouts.models import WithdrawalRequest
from tests.payouts.people import USDT, a_customer, ask, funds
from tests.support.databases import CommittedDatabase


def at_once(*deeds: Callable[[], object]) -> list[object]:
    """Run all in threads of their own that start together; returns what each returned or raised."""
    barrier = threading.Barrier(len(deeds))
    results: list[object] = [None] * len(deeds)

    def run(place: int) -> None:
        barrier.wait()
        try:
            results[place] = deeds[place]()
        except errors.WithdrawalError as error:
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(deeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_tabs_make_one_request(committed_db: CommittedDatabase) -> None:
    customer = a_customer(micro=100 * USDT)
    made = at_once(*[lambda: ask(customer, idempotency_key="form").pk] * 4)
    assert set(made) == {WithdrawalRequest.objects.get().pk}
    assert funds(customer) == (59 * USDT, 41 * USDT)


def test_two_tabs_with_other_contents_make_one_request_and_one_clear_error(committed_db: CommittedDatabase) -> None:
    customer = a_customer(micro=200 * USDT)
    made = at_once(
        lambda: ask(customer, 40 * USDT, idempotency_key="form"),
        lambda: ask(customer, 50 * USDT, idempotency_key="form"),
    )
    row = WithdrawalRequest.objects.get()
    assert sorted(type(each).__name__ for each in made) == ["IdempotencyKeyReused", "WithdrawalRequest"]
    assert funds(customer) == (200 * USDT - row.debit_micro, row.debit_micro)


def test_two_different_forms_cannot_spend_the_same_money(committed_db: CommittedDatabase) -> None:
    customer = a_customer(micro=100 * USDT)
    made = at_once(*[lambda: ask(customer, 60 * USDT)] * 3)
    assert sorted(type(each).__name__ for each in made) == ["NotEnoughMoney", "NotEnoughMoney", "WithdrawalRequest"]
    assert funds(customer) == (39 * USDT, 61 * USDT)


PROCESS = """
import sys
import django
django.setup()
from django.conf import settings
from tests.payouts.people import ask
from accounts.models import User
settings.NETWORKS = {networks!r}
sys.stdin.readline()
row = ask(User.objects.get(pk={customer}), idempotency_key="form")
print("made", row.pk)
"""


def test_two_processes_make_one_request(committed_db: CommittedDatabase, networks: dict[str, object]) -> None:
    customer = a_customer(micro=100 * USDT)
    program = PROCESS.format(networks=networks, customer=customer.pk)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        for _number in range(2)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert said == {f"made {WithdrawalRequest.objects.get().pk}"}
    assert funds(customer) == (59 * USDT, 41 * USDT)
