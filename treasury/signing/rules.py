"""What the signer signs, and what it refuses. Pure: facts in, a payload or a reason out.

The signer trusts neither the row that asks for a signature nor whoever wrote it. It builds the transaction again, from
the order and from its own network settings, and compares; it asks for the approvals that *its* settings ask for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from treasury.approvals import Approval, approval_digest
from treasury.chains.addresses import is_canonical
from treasury.chains.errors import InvalidTransaction
from treasury.chains.network import Network
from treasury.chains.payloads import DecodedPayment, PaymentPayload, noop_payload, transfer_payload
from treasury.chains.ports import Fees

PAYMENT = "payment"
NOOP = "noop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The signer's own limits, in 10^-6 USDT. Days are the last 24 hours, over all networks."""

    payment_cap_micro: int
    daily_cap_micro: int
    destination_daily_cap_micro: int
    four_eyes_from_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """A payment order with its evidence, as the signer read it."""

    order_id: int
    reference: str
    network: str
    address: str
    amount_micro: int
    revision: int
    approvals_required: int
    state: str
    wallet_id: int | None
    nonce: int | None
    approvals: Sequence[Approval]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """A broadcast that waits for its signature, as the signer read it. `to_address` and `data` are what it asks for."""

    broadcast_id: int
    purpose: str
    network: str
    wallet_id: int
    nonce: int
    to_address: str
    data: bytes
    gas_limit: int
    max_fee_wei: int
    max_priority_fee_wei: int
    order: OrderFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnWallet:
    """The hot wallet of one network, derived by the signer from its own seed."""

    wallet_id: int
    address: str
    path: str


class Refused(Exception):
    """The signer does not sign this; `reason` is for operators."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def payload_to_sign(asked: Reserved, network: Network, wallet: OwnWallet, policy: Policy) -> PaymentPayload:
    """The payload, rebuilt from the order, if everything about it is in order. Raises Refused."""
    order = asked.order
    if order.state != "open":
        raise Refused("the order is closed")
    if (order.wallet_id, order.nonce, order.network) != (asked.wallet_id, asked.nonce, asked.network):
        raise Refused("wallet, nonce or network are not the order's")
    if wallet.wallet_id != asked.wallet_id or network.code != asked.network:
        raise Refused("the wallet is not the hot wallet that the seed gives for this network")
    if asked.max_fee_wei > network.max_fee_cap_wei or asked.gas_limit > network.gas_limit_max:
        raise Refused("gas limit or fee are above the network's cap")
    try:
        rebuilt = _rebuilt(asked, network, wallet)
        stored = PaymentPayload(
            chain_id=network.chain_id,
            nonce=asked.nonce,
            to=asked.to_address,
            value_wei=0,
            data=asked.data,
            gas_limit=asked.gas_limit,
            max_fee_wei=asked.max_fee_wei,
            max_priority_fee_wei=asked.max_priority_fee_wei,
        )
    except (InvalidTransaction, ValueError, OverflowError) as error:
        raise Refused(f"not a valid payload: {error}") from error
    if stored.unsigned_bytes() != rebuilt.unsigned_bytes():
        raise Refused("the payload is not what the order asks for")
    if asked.purpose == PAYMENT:
        _check_payment(order, network, wallet, policy)
    return rebuilt


def check_signed(
    decoded: DecodedPayment, asked: Reserved, payload: PaymentPayload, network: Network, wallet: OwnWallet
) -> None:
    """Pair assertion: what the signed bytes say, read from them alone, is what was decided. Raises Refused."""
    if decoded.payload != payload or decoded.sender != wallet.address:
        raise Refused("the signed bytes are not the payload, or not by our key")
    if asked.purpose == NOOP:
        if not decoded.is_noop:
            raise Refused("the signed bytes do more than fill a nonce")
        return
    expected = (network.token_contract, asked.order.address, network.micro_to_raw(asked.order.amount_micro))
    if (decoded.payload.to, decoded.recipient, decoded.amount_raw) != expected:
        raise Refused("the signed bytes pay something else than the order")


def _rebuilt(asked: Reserved, network: Network, wallet: OwnWallet) -> PaymentPayload:
    fees = Fees(max_fee_wei=asked.max_fee_wei, max_priority_fee_wei=asked.max_priority_fee_wei, base_fee_wei=0)
    if asked.purpose == NOOP:
        return noop_payload(
            chain_id=network.chain_id, nonce=asked.nonce, sender=wallet.address, gas_limit=asked.gas_limit, fees=fees
        )
    if asked.purpose != PAYMENT:
        raise Refused("neither a payment nor a no-op")
    return transfer_payload(
        chain_id=network.chain_id,
        nonce=asked.nonce,
        token_contract=network.token_contract,
        recipient=asked.order.address,
        amount_raw=network.micro_to_raw(asked.order.amount_micro),
        gas_limit=asked.gas_limit,
        fees=fees,
    )


def _check_payment(order: OrderFacts, network: Network, wallet: OwnWallet, policy: Policy) -> None:
    if not is_canonical(network.family, order.address):
        raise Refused("the recipient's address is not in canonical form")
    if order.address in (wallet.address, network.token_contract):
        raise Refused("the recipient is our own wallet or the token's contract")
    if order.amount_micro > policy.payment_cap_micro:
        raise Refused("above the signer's cap for one payment")
    _check_evidence(order, policy)


def _check_evidence(order: OrderFacts, policy: Policy) -> None:
    needed = max(1, order.approvals_required, 2 if order.amount_micro >= policy.four_eyes_from_micro else 1)
    try:
        digest = approval_digest(
            reference=order.reference,
            revision=order.revision,
            network=order.network,
            address=order.address,
            amount_micro=order.amount_micro,
        )
    except ValueError as error:
        raise Refused(f"the order cannot be approved at all: {error}") from error
    for approval in order.approvals:
        if approval.revision != order.revision:
            raise Refused("an approval is of another revision")
        if approval.digest != digest:
            raise Refused("an approval is of another payment: address, amount or network were changed after it")
    if len({approval.approver_id for approval in order.approvals}) < needed:
        raise Refused(f"{needed} different approvers are needed")
