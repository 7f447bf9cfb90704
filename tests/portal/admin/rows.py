"""One row of everything that has a page on the staff site."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import psycopg
from django.contrib.auth.models import Group
from django.db import connection, models
from django.utils import timezone

from accounts import activity
from accounts.activity import Origin
from accounts.login_history import record_sign_in
from accounts.models import ActivityLog, LoginHistory, OutgoingMail, User
from payouts.models import WithdrawalRequest
from tests.payouts.people import USDT, a_customer, in_review, staff
from tests.support.databases import CommittedDatabase
from treasury import alarms
from treasury.chains.addresses import parse_address
from treasury.models import (
    Alarm,
    Broadcast,
    Deposit,
    DepositAddress,
    ForeignTransfer,
    NetworkState,
    PaymentOrder,
    SigningRecord,
    Wallet,
)
from treasury.models.ledger import LedgerAccount, LedgerTransfer


def tx_hash() -> str:
    return "0x" + secrets.token_hex(32)


def an_address() -> str:
    return parse_address("evm", "0x" + secrets.token_hex(20))


@dataclass(frozen=True)
class Owner:
    """Adds rows to tables that the application only reads, as the role that owns them."""

    database: CommittedDatabase

    def add(self, row: Any) -> Any:
        meta = row._meta
        fields = [field for field in meta.concrete_fields if not isinstance(field, models.AutoField)]
        values = [field.get_db_prep_save(field.pre_save(row, True), connection) for field in fields]
        columns = ", ".join(f'"{field.column}"' for field in fields)
        marks = ", ".join(["%s"] * len(fields))
        with psycopg.connect(self.database.owner_url) as session:
            found = session.execute(
                f'INSERT INTO "{meta.db_table}" ({columns}) VALUES ({marks}) RETURNING "{meta.pk.column}"', values
            ).fetchone()
        assert found is not None
        row.pk = found[0]
        return row

    def deposit_address(self, customer: User | None = None, index: int = 0) -> DepositAddress:
        return self.add(
            DepositAddress(
                family="evm",
                address=an_address(),
                derivation_index=index,
                signature=b"s" * 64,
                customer=customer,
                assigned_at=timezone.now() if customer else None,
            )
        )

    def wallet(self, network: str = "arbitrum") -> Wallet:
        return self.add(Wallet(network=network, role="hot", address=an_address(), derivation_path="m/44'/60'/1'/0/0"))

    def broadcast(self, order: PaymentOrder, wallet: Wallet, nonce: int) -> Broadcast:
        PaymentOrder.objects.filter(pk=order.pk).update(wallet=wallet, nonce=nonce)
        return self.add(
            Broadcast(
                order=order, network=order.network, wallet=wallet, nonce=nonce, state="sent", to_address=an_address(),
                data=b"\xa9\x05\x9c\xbb", gas_limit=100_000, max_fee_wei=10**9, max_priority_fee_wei=0,
                signed_bytes=b"bytes", tx_hash=tx_hash(), signed_at=timezone.now(), sent_at=timezone.now(), sends=1,
            )
        )  # fmt: skip

    def signing_record(self, broadcast: Broadcast) -> SigningRecord:
        return self.add(
            SigningRecord(
                broadcast=broadcast, order=broadcast.order, purpose="payment", network=broadcast.network,
                address=an_address(), amount_micro=5 * USDT, nonce=broadcast.nonce, tx_hash=broadcast.tx_hash,
            )
        )  # fmt: skip


def an_order(number: int = 1) -> PaymentOrder:
    return PaymentOrder.objects.create(
        reference=f"test:{number}", network="arbitrum", address=an_address(), amount_micro=5 * USDT, revision=1,
        approvals_required=1,
    )  # fmt: skip


def a_deposit(address: DepositAddress, **changes: Any) -> Deposit:
    values: dict[str, Any] = {
        "network": "arbitrum", "tx_hash": tx_hash(), "ordinal": 0, "block_number": 7, "block_hash": tx_hash(),
        "log_index": 1, "deposit_address": address, "sender": an_address(), "amount_raw": 5 * USDT,
        "amount_micro": 5 * USDT,
    }  # fmt: skip
    return Deposit.objects.create(**(values | changes))


def a_foreign_transfer(address: DepositAddress) -> ForeignTransfer:
    return ForeignTransfer.objects.create(
        network="arbitrum", tx_hash=tx_hash(), log_index=1, block_number=7, contract=an_address(),
        deposit_address=address, sender=an_address(), amount_raw=10**24,
    )  # fmt: skip


def a_network_state(network: str = "arbitrum") -> NetworkState:
    return NetworkState.objects.create(
        network=network, scanned_number=5, scanned_hash=tx_hash(), head_number=9, head_seen_at=timezone.now()
    )


def a_mail(user: User, number: int = 1) -> OutgoingMail:
    return OutgoingMail.objects.create(
        key=f"test:{number}", template="withdrawal_paid", user=user, recipient=user.email, language="en"
    )


def an_alarm(number: int = 1) -> Alarm:
    alarms.raise_alarm(key=f"test:{number}", severity="warning", message="Something is odd.", network="arbitrum")
    return Alarm.objects.get(key=f"test:{number}")


def a_sign_in(user: User, address: str = "77.88.8.8") -> LoginHistory:
    return record_sign_in(user=user, origin=Origin(address, "curl/8.0"), method="password")


def everything(database: CommittedDatabase) -> dict[str, Any]:
    """Page prefix ("treasury_deposit") -> the key of a row that it shows."""
    owner = Owner(database)
    customer = a_customer(micro=500 * USDT)
    withdrawal: WithdrawalRequest = in_review(customer, 40 * USDT)
    address, wallet, order = owner.deposit_address(customer), owner.wallet(), an_order()
    broadcast = owner.broadcast(order, wallet, 0)
    activity.record(actor=None, action="test.done", target=customer, process="test")
    colleague = staff("support")
    return {
        "payouts_withdrawalrequest": withdrawal.pk,
        "accounts_customer": customer.pk,
        "accounts_staffuser": colleague.pk,
        "accounts_activitylog": ActivityLog.objects.latest("pk").pk,
        "accounts_loginhistory": a_sign_in(customer).pk,
        "accounts_outgoingmail": a_mail(customer).pk,
        "auth_group": Group.objects.get(name="support").pk,
        "treasury_deposit": a_deposit(address).pk,
        "treasury_depositaddress": address.pk,
        "treasury_foreigntransfer": a_foreign_transfer(address).pk,
        "treasury_wallet": wallet.pk,
        "treasury_paymentorder": order.pk,
        "treasury_broadcast": broadcast.pk,
        "treasury_signingrecord": owner.signing_record(broadcast).pk,
        "treasury_networkstate": a_network_state().pk,
        "treasury_alarm": an_alarm().pk,
        "treasury_ledgeraccount": LedgerAccount.objects.latest("pk").pk,
        "treasury_ledgertransfer": LedgerTransfer.objects.latest("pk").pk,
    }
