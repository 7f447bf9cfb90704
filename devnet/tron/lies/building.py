"""Lies about unsigned transactions: what a client signs that trusts the node with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from devnet.tron import protocol
from devnet.tron.addresses import keccak256, on_wire
from devnet.tron.lies.telling import Telling, lie
from devnet.tron.printing import printed_transaction
from devnet.tron.protocol import Message

BUILDING = frozenset({
    "createtransaction", "triggersmartcontract", "freezebalancev2", "unfreezebalancev2", "delegateresource",
    "undelegateresource", "createaccount", "deploycontract",
})  # fmt: skip


def _rebuilt(telling: Telling, answer: Any, change: Callable[[Message], None]) -> Any:
    """The offered transaction with something else in it, hashed anew."""
    inner = answer.get("transaction", answer)
    if not isinstance(inner, dict) or "raw_data_hex" not in inner:
        return answer
    message = protocol.Transaction()
    message.raw_data.ParseFromString(bytes.fromhex(inner["raw_data_hex"]))
    change(message)
    made = printed_transaction(message, visible=telling.visible) | {"visible": telling.visible}
    return answer | {"transaction": made} if "transaction" in answer else made


def _parameter(message: Message, change: Callable[[Message], None]) -> None:
    contract = message.raw_data.contract[0]
    held = protocol.unpack(contract)
    change(held)
    contract.parameter.value = held.SerializeToString()


@lie(BUILDING)
def tx_type(telling: Telling, answer: Any) -> Any:
    """A TRX transfer to the thief, whatever was asked for."""

    def change(message: Message) -> None:
        owner = protocol.unpack(message.raw_data.contract[0]).owner_address
        stolen = protocol.CONTRACTS["TransferContract"](
            owner_address=owner, to_address=on_wire(telling.address()), amount=telling.invent.randrange(1, 10**9)
        )
        message.raw_data.contract[0].CopyFrom(protocol.pack("TransferContract", stolen))

    return _rebuilt(telling, answer, change)


@lie(BUILDING)
def tx_owner(telling: Telling, answer: Any) -> Any:
    """Another owner's transaction."""
    return _rebuilt(
        telling, answer, lambda made: _parameter(made, lambda held: _set(held, "owner_address", telling.address()))
    )


def _set(held: Message, name: str, address: bytes) -> None:
    if name in held.DESCRIPTOR.fields_by_name:
        setattr(held, name, on_wire(address))


@lie(frozenset({"triggersmartcontract"}))
def tx_contract(telling: Telling, answer: Any) -> Any:
    """The same call of another contract."""
    return _rebuilt(
        telling, answer, lambda made: _parameter(made, lambda held: _set(held, "contract_address", telling.address()))
    )


@lie(frozenset({"triggersmartcontract"}))
def tx_selector(telling: Telling, answer: Any) -> Any:
    """approve(address,uint256) with the arguments of what was asked for."""

    def change(held: Message) -> None:
        held.data = keccak256(b"approve(address,uint256)")[:4] + held.data[4:]

    return _rebuilt(telling, answer, lambda made: _parameter(made, change))


@lie(BUILDING)
def tx_recipient(telling: Telling, answer: Any) -> Any:
    """The thief receives: the TRX, the tokens, the lent stake."""
    thief = telling.address()

    def change(held: Message) -> None:
        for name in ("to_address", "receiver_address", "account_address"):
            _set(held, name, thief)
        if "data" in held.DESCRIPTOR.fields_by_name and len(held.data) >= 36:
            held.data = held.data[:4] + thief.rjust(32, b"\0") + held.data[36:]

    return _rebuilt(telling, answer, lambda made: _parameter(made, change))


@lie(BUILDING)
def tx_amount(telling: Telling, answer: Any) -> Any:
    """More than was asked for."""
    more = telling.invent.randrange(1, 10**9)

    def change(held: Message) -> None:
        for name in ("amount", "frozen_balance", "unfreeze_balance", "balance"):
            if name in held.DESCRIPTOR.fields_by_name:
                setattr(held, name, getattr(held, name) + more)
        if "data" in held.DESCRIPTOR.fields_by_name and len(held.data) >= 68:
            value = int.from_bytes(held.data[36:68]) + more
            held.data = held.data[:36] + value.to_bytes(32) + held.data[68:]

    return _rebuilt(telling, answer, lambda made: _parameter(made, change))


def _raw(telling: Telling, answer: Any, change: Callable[[Message], None]) -> Any:
    return _rebuilt(telling, answer, lambda made: change(made.raw_data))


@lie(BUILDING)
def tx_fee_limit(telling: Telling, answer: Any) -> Any:
    """The highest fee limit there is."""
    return _raw(telling, answer, lambda raw: setattr(raw, "fee_limit", 15_000_000_000))


@lie(BUILDING)
def tx_expiration(telling: Telling, answer: Any) -> Any:
    """Lives for nearly a day: it can be kept and sent when it hurts."""
    return _raw(telling, answer, lambda raw: setattr(raw, "expiration", raw.expiration + 86_000_000))


@lie(BUILDING)
def tx_reference_block(telling: Telling, answer: Any) -> Any:
    """A reference block that the chain does not have."""
    return _raw(telling, answer, lambda raw: setattr(raw, "ref_block_hash", telling.invent.randbytes(8)))


@lie(BUILDING)
def tx_permission(telling: Telling, answer: Any) -> Any:
    """Under the active permission instead of the owner's."""
    return _raw(telling, answer, lambda raw: setattr(raw.contract[0], "Permission_id", 2))


@lie(BUILDING)
def tx_memo(telling: Telling, answer: Any) -> Any:
    """With a memo, which costs 1 TRX."""
    return _raw(telling, answer, lambda raw: setattr(raw, "data", b"memo " + telling.invent.randbytes(4)))


@lie(BUILDING)
def tx_extra_contract(telling: Telling, answer: Any) -> Any:
    """A second contract behind the one that was asked for: TRX to the thief."""

    def change(message: Message) -> None:
        owner = protocol.unpack(message.raw_data.contract[0]).owner_address
        stolen = protocol.CONTRACTS["TransferContract"](
            owner_address=owner, to_address=on_wire(telling.address()), amount=1_000_000
        )
        message.raw_data.contract.append(protocol.pack("TransferContract", stolen))

    return _rebuilt(telling, answer, change)


@lie(BUILDING)
def tx_hidden(telling: Telling, answer: Any) -> Any:
    """Honest fields, but `raw_data_hex` and `txID` are those of a transfer to the thief."""
    stolen = tx_recipient(telling, answer)
    shown, inner = answer.get("transaction", answer), stolen.get("transaction", stolen)
    if "raw_data_hex" not in inner:
        return answer
    mixed = shown | {"raw_data_hex": inner["raw_data_hex"], "txID": inner["txID"]}
    return answer | {"transaction": mixed} if "transaction" in answer else mixed


@lie(frozenset({"getsignweight"}))
def sign_weight_txid(telling: Telling, answer: Any) -> Any:
    """Another transaction's id to sign: tronpy asks for it here and signs whatever it gets."""
    return answer | {"transaction": _rebuilt(telling, answer["transaction"], _to_thief(telling))}


def _to_thief(telling: Telling) -> Callable[[Message], None]:
    thief = telling.address()

    def change(message: Message) -> None:
        def swap(held: Message) -> None:
            _set(held, "to_address", thief)
            if "data" in held.DESCRIPTOR.fields_by_name and len(held.data) >= 36:
                held.data = held.data[:4] + thief.rjust(32, b"\0") + held.data[36:]

        _parameter(message, swap)

    return change
