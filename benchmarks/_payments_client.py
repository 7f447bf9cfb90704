"""Beside the product: `_payments_client <fund|pay> <count> <run> <number>`; see `Bench.clients`.

`pay` writes approved withdrawals with their evidence and their money held back, wakes the engine as approving does, and
watches the node until it has accepted a transaction for each.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Sequence

import django

CUSTOMERS = 500
AMOUNT_MICRO = 2_000_000
PATIENCE_SECONDS = 60
NETWORK = "arbitrum"
APPROVER = "approver@example.test"
SEED = "A" * 32


def recipient(label: str, number: int) -> str:
    """An address that never held anything."""
    from treasury.chains.addresses import checksummed

    return checksummed(hashlib.sha256(f"{label}:{number}".encode()).digest()[:20])


def fund(count: int, label: str) -> dict[str, float]:
    """Customers with money, an approver, and a hot wallet that holds it."""
    from devnet.anvil import rpc
    from devnet.contracts.deploy import Deployer
    from treasury.chains import registry
    from treasury.models import Wallet

    print("ready", flush=True)
    sys.stdin.readline()
    network = registry.network(NETWORK)
    wallet = Wallet.objects.get(network=NETWORK)
    Deployer(network.rpc_urls[0]).mint(network.token_contract, wallet.address, 10**15)
    rpc(network.rpc_urls[0], "anvil_setBalance", wallet.address, hex(10**21))
    return {"done": people(NETWORK), "seconds": 1}


def people(network: str) -> int:
    """What the hot wallet holds, booked; customers with money, and an approver. Returns how many people."""
    from allauth.mfa.models import Authenticator

    from accounts.models import User, UserProfile
    from accounts.second_factor.evidence import TOTP
    from accounts.second_factor.secrets import encrypt
    from treasury import ledger
    from treasury.opening import book_opening_balances

    book_opening_balances(network=network)
    users = User.objects.bulk_create(
        [User(email=f"customer{number}@example.test", is_active=True) for number in range(CUSTOMERS)]
        + [User(email=APPROVER, is_active=True, is_staff=True)]
    )
    Authenticator.objects.create(user=users[-1], type=TOTP, data={"secret": encrypt(SEED)})
    known = set(UserProfile.objects.values_list("user_id", flat=True))
    UserProfile.objects.bulk_create(UserProfile(user=user) for user in users if user.pk not in known)
    ledger.post_many(
        ledger.Posting(f"fund:{user.pk}", f"asset:{network}:hot", f"customer:{user.pk}:available", 10**12, "bench")
        for user in users[:-1]
    )
    return len(users)


def approved(network: str, recipients: Sequence[str], label: str) -> list[int]:
    """An approved withdrawal to each: what the customers' and the staff's pages leave behind."""
    from allauth.mfa.models import Authenticator
    from django.utils import timezone

    from accounts.models import User
    from accounts.second_factor.codes import current_step
    from accounts.second_factor.evidence import Witness, evidence_key
    from payouts import postings
    from payouts.models import WithdrawalApproval, WithdrawalRequest
    from payouts.withdrawals import approval_digest_of
    from treasury import ledger

    now = timezone.now()
    approver = User.objects.get(email=APPROVER)
    customers = list(User.objects.filter(email__startswith="customer").order_by("pk"))
    rows = WithdrawalRequest.objects.bulk_create(
        WithdrawalRequest(
            customer=customers[number % len(customers)],
            idempotency_key=f"{label}:{number}",
            network=network,
            address=address,
            amount_micro=AMOUNT_MICRO,
            fee_micro=1_000_000,
            state=WithdrawalRequest.State.APPROVED,
            confirm_by=now,
            confirmed_at=now,
            decided_at=now,
        )
        for number, address in enumerate(recipients)
    )
    ledger.post_many(postings.reserve(row) for row in rows)
    app = Witness(evidence_key(Authenticator.objects.get(user=approver)), seed=SEED, step=current_step())
    digests = [approval_digest_of(row) for row in rows]
    WithdrawalApproval.objects.bulk_create(
        WithdrawalApproval(
            withdrawal=row,
            revision=row.revision,
            approver=approver,
            approved_at=now,
            digest=digest,
            evidence=app.evidence_of(digest=digest, approver_id=approver.pk),
        )
        for row, digest in zip(rows, digests, strict=True)
    )
    return [row.pk for row in rows]


def pay(count: int, label: str) -> dict[str, float]:
    """Approved to accepted."""
    from celery import current_app

    from devnet.anvil import rpc
    from portal.celery import app
    from treasury.chains import registry
    from treasury.models import Broadcast, PaymentOrder, Wallet

    app.set_current()
    url = registry.network(NETWORK).rpc_urls[0]
    address = Wallet.objects.get(network=NETWORK).address

    def accepted() -> int:
        return int(rpc(url, "eth_getTransactionCount", address, "pending"), 16)

    before = accepted()
    ids = approved(NETWORK, [recipient(label, number) for number in range(count)], label)
    current_app.send_task("portal.tasks.beat_heartbeat", expires=5)  # the connection to the broker is open
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()
    current_app.send_task("payouts.tasks.start_payouts", expires=10)
    while accepted() < before + count:
        if time.perf_counter() - started > PATIENCE_SECONDS:
            raise SystemExit(f"only {accepted() - before} of {count} were accepted")
        time.sleep(0.01)
    seconds = time.perf_counter() - started
    orders = PaymentOrder.objects.filter(reference__in=[f"withdrawal:{pk}" for pk in ids])
    hashes = Broadcast.objects.filter(order__in=orders, signed_bytes__isnull=False).values_list("tx_hash", flat=True)
    if len(set(hashes)) != count:
        raise SystemExit(f"{len(set(hashes))} transactions are stored, {count} were accepted")
    while orders.exclude(state="settled").exists():  # so that the next round begins with an idle product
        if time.perf_counter() - started > PATIENCE_SECONDS:
            raise SystemExit("not every payment became final")
        current_app.send_task("treasury.tasks.advance_payments", expires=5)
        time.sleep(1)
    return {"done": count, "seconds": seconds}


def main() -> None:
    what, count, label = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    django.setup()
    print(json.dumps({"fund": fund, "pay": pay}[what](count, label)))


if __name__ == "__main__":
    main()
