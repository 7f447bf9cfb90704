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
from treasury.chains.payloads import DecodedPayment, PaymentPayload, decode_signed, noop_payload, transfer_payload
from treasury.chains.ports import Fees
from treasury.chains.tron import transactions
from treasury.chains.tron.transactions import (
    TRIGGER_SMART_CONTRACT,
    DecodedTransaction,
    RawTransaction,
    token_transfer,
)

PAYMENT = "payment"
NOOP = "noop"

CLOCKS_DIFFER_SECONDS = 3600
"""How far the chain's clock, by which a transaction's life is counted, may be ahead of the signer's."""


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
    order: OrderFacts
    # On EVM networks.
    gas_limit: int | None = None
    max_fee_wei: int | None = None
    max_priority_fee_wei: int | None = None
    # On TRON.
    fee_limit_sun: int | None = None
    ref_block: bytes | None = None
    expiration_ms: int | None = None
    timestamp_ms: int | None = None


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


class NotYet(Exception):
    """The signer neither signs nor refuses this now: it waits for a time to pass, or for another payload."""


def payload_to_sign(
    asked: Reserved, network: Network, wallet: OwnWallet, policy: Policy, *, now_ms: int
) -> PaymentPayload | RawTransaction:
    """The payload, rebuilt from the order, if everything about it is in order. Raises Refused, NotYet."""
    order = asked.order
    if order.state != "open":
        raise Refused("the order is closed")
    if (order.wallet_id, order.nonce, order.network) != (asked.wallet_id, asked.nonce, asked.network):
        raise Refused("wallet, nonce or network are not the order's")
    if wallet.wallet_id != asked.wallet_id or network.code != asked.network:
        raise Refused("the wallet is not the hot wallet that the seed gives for this network")
    try:
        if network.family == "tron":
            rebuilt: PaymentPayload | RawTransaction = _rebuilt_tron(asked, network, wallet, now_ms=now_ms)
        else:
            rebuilt = _rebuilt_evm(asked, network, wallet)
    except (InvalidTransaction, ValueError, OverflowError) as error:
        raise Refused(f"not a valid payload: {error}") from error
    if asked.purpose == PAYMENT:
        _check_payment(order, network, wallet, policy)
    return rebuilt


def check_signed(
    raw: bytes, asked: Reserved, payload: PaymentPayload | RawTransaction, network: Network, wallet: OwnWallet
) -> str:
    """Pair assertion: what the signed bytes say, read from them alone, is what was decided. Returns their hash.

    Raises Refused, and InvalidTransaction if the bytes cannot be read.
    """
    if isinstance(payload, RawTransaction):
        said = transactions.decode_signed(raw)
        _check_signed_tron(said, asked, payload, network, wallet)
        return said.tx_hash
    decoded = decode_signed(raw)
    _check_signed_evm(decoded, asked, payload, network, wallet)
    return decoded.tx_hash


def _check_signed_tron(
    decoded: DecodedTransaction, asked: Reserved, payload: RawTransaction, network: Network, wallet: OwnWallet
) -> None:
    if decoded.raw != payload or decoded.sender != wallet.address or decoded.raw.owner != wallet.address:
        raise Refused("the signed bytes are not the payload, or not by our key")
    expected = (network.token_contract, asked.order.address, network.micro_to_raw(asked.order.amount_micro))
    if (decoded.raw.target, decoded.recipient, decoded.amount_raw) != expected:
        raise Refused("the signed bytes pay something else than the order")
    limits = (decoded.raw.value_sun, decoded.raw.memo, decoded.raw.permission_id, decoded.raw.contract_type)
    if limits != (0, b"", 0, TRIGGER_SMART_CONTRACT):
        raise Refused("the signed bytes do more than a token transfer")
    if (decoded.raw.fee_limit_sun, decoded.raw.expiration_ms) != (asked.fee_limit_sun, asked.expiration_ms):
        raise Refused("the signed bytes may cost more, or live longer, than was asked")


def _check_signed_evm(
    decoded: DecodedPayment, asked: Reserved, payload: PaymentPayload, network: Network, wallet: OwnWallet
) -> None:
    if decoded.payload != payload or decoded.sender != wallet.address:
        raise Refused("the signed bytes are not the payload, or not by our key")
    if asked.purpose == NOOP:
        if not decoded.is_noop:
            raise Refused("the signed bytes do more than fill a nonce")
        return
    expected = (network.token_contract, asked.order.address, network.micro_to_raw(asked.order.amount_micro))
    if (decoded.payload.to, decoded.recipient, decoded.amount_raw) != expected:
        raise Refused("the signed bytes pay something else than the order")


def _rebuilt_tron(asked: Reserved, network: Network, wallet: OwnWallet, *, now_ms: int) -> RawTransaction:
    """The transfer, from the order; its limits and times from the row, within what the signer's settings allow."""
    if asked.purpose != PAYMENT:
        raise Refused("there is nothing but payments on this network")
    limit, ref, expires, begins = asked.fee_limit_sun, asked.ref_block, asked.expiration_ms, asked.timestamp_ms
    if limit is None or ref is None or expires is None or begins is None or len(ref) != 10:
        raise Refused("the payload is not whole")
    if limit > network.fee_limit_sun_max:
        raise Refused("the fee limit is above the network's cap")
    if expires <= now_ms:
        raise NotYet  # it waited too long for us; the sender makes another attempt
    if expires > now_ms + (network.expiration_seconds + CLOCKS_DIFFER_SECONDS) * 1000:
        raise Refused("it would live longer than the signer's settings allow")
    rebuilt = token_transfer(
        owner=wallet.address,
        token_contract=network.token_contract,
        recipient=asked.order.address,
        amount_raw=network.micro_to_raw(asked.order.amount_micro),
        fee_limit_sun=limit,
        ref_block_bytes=ref[:2],
        ref_block_hash=ref[2:],
        expiration_ms=expires,
        timestamp_ms=begins,
    )
    if (asked.to_address, asked.data) != (rebuilt.target, rebuilt.data):
        raise Refused("the payload is not what the order asks for")
    return rebuilt


def _rebuilt_evm(asked: Reserved, network: Network, wallet: OwnWallet) -> PaymentPayload:
    gas_limit, max_fee, tip = asked.gas_limit, asked.max_fee_wei, asked.max_priority_fee_wei
    if gas_limit is None or max_fee is None or tip is None:
        raise Refused("the payload is not whole")
    if max_fee > network.max_fee_cap_wei or gas_limit > network.gas_limit_max:
        raise Refused("gas limit or fee are above the network's cap")
    fees = Fees(max_fee_wei=max_fee, max_priority_fee_wei=tip, base_fee_wei=0)
    rebuilt = _built_evm(asked, network, wallet, gas_limit, fees)
    stored = PaymentPayload(
        chain_id=network.chain_id,
        nonce=asked.nonce,
        to=asked.to_address,
        value_wei=0,
        data=asked.data,
        gas_limit=gas_limit,
        max_fee_wei=max_fee,
        max_priority_fee_wei=tip,
    )
    if stored.unsigned_bytes() != rebuilt.unsigned_bytes():
        raise Refused("the payload is not what the order asks for")
    return rebuilt


def _built_evm(asked: Reserved, network: Network, wallet: OwnWallet, gas_limit: int, fees: Fees) -> PaymentPayload:
    if asked.purpose == NOOP:
        return noop_payload(
            chain_id=network.chain_id, nonce=asked.nonce, sender=wallet.address, gas_limit=gas_limit, fees=fees
        )
    if asked.purpose != PAYMENT:
        raise Refused("neither a payment nor a no-op")
    return transfer_payload(
        chain_id=network.chain_id,
        nonce=asked.nonce,
        token_contract=network.token_contract,
        recipient=asked.order.address,
        amount_raw=network.micro_to_raw(asked.order.amount_micro),
        gas_limit=gas_limit,
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
