"""Lies about what a client reads before it sends: the head, prices, estimates, balances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from devnet.tron import parsing, protocol
from devnet.tron.addresses import keccak256, sha256
from devnet.tron.blocks import block_id
from devnet.tron.lies.telling import Telling, lie
from devnet.tron.printing import Json, printed_block

HEAD = frozenset({"getnowblock", "getblock", "getblockbylatestnum"})
PARAMETER_PATHS = frozenset({"getchainparameters"})
ESTIMATES = frozenset({"triggerconstantcontract", "estimateenergy"})
BALANCE_OF = keccak256(b"balanceOf(address)")[:4].hex()


def _block(telling: Telling, answer: Any, change: Callable[[Json], Json]) -> Any:
    if "block" in answer:
        return answer | {"block": [change(each) for each in answer["block"]]}
    asked = telling.params.get("id_or_num")
    return answer if asked or "blockID" not in answer else change(answer)


def _id_of(block: Json, *, visible: bool) -> str:
    """A block's id, made to fit a changed header."""
    raw = parsing.merged(protocol.BlockHeader().raw_data, block["block_header"]["raw_data"], visible=visible)
    return block_id(raw.number, sha256(raw.SerializeToString())).hex()


def _with_header(telling: Telling, block: Json, **changes: Any) -> Json:
    header = block["block_header"]
    changed = block | {"block_header": header | {"raw_data": header["raw_data"] | changes}}
    return changed | {"blockID": _id_of(changed, visible=telling.visible)}


@lie(HEAD)
def head_older(telling: Telling, answer: Any) -> Any:
    """An honest block, but one from further back."""
    number = max(0, telling.view.number - telling.invent.randrange(1, 20))
    older = telling.view.block(number)
    if older is None:
        return answer
    return _block(telling, answer, lambda _: printed_block(older, visible=telling.visible))


@lie(HEAD)
def head_newer(telling: Telling, answer: Any) -> Any:
    """A block that nobody has made, further ahead."""
    ahead = telling.invent.randrange(20, 2_000)

    def change(block: Json) -> Json:
        raw = block["block_header"]["raw_data"]
        return _with_header(
            telling, block, number=raw.get("number", 0) + ahead, timestamp=raw.get("timestamp", 0) + ahead * 3_000
        )

    return _block(telling, answer, change)


@lie(HEAD)
def head_other_hash(telling: Telling, answer: Any) -> Any:
    """The right height with a block of another chain."""
    return _block(
        telling, answer, lambda block: _with_header(telling, block, parentHash=telling.invent.randbytes(32).hex())
    )


@lie(HEAD)
def head_other_timestamp(telling: Telling, answer: Any) -> Any:
    """The head's time is days ahead: what refers to it lives longer than was meant."""
    days = telling.invent.randrange(1, 30)

    def change(block: Json) -> Json:
        raw = block["block_header"]["raw_data"]
        return _with_header(telling, block, timestamp=raw.get("timestamp", 0) + days * 86_400_000)

    return _block(telling, answer, change)


# --- about prices


def _priced(answer: Any, name: str, change: Callable[[int], int]) -> Any:
    rows = [
        row | {"value": change(row.get("value", 0))} if row["key"] == name else row for row in answer["chainParameter"]
    ]
    return answer | {"chainParameter": rows}


@lie(PARAMETER_PATHS)
def price_energy_up(telling: Telling, answer: Any) -> Any:
    return _priced(answer, "getEnergyFee", lambda price: price * telling.invent.randrange(5, 50))


@lie(PARAMETER_PATHS)
def price_energy_down(telling: Telling, answer: Any) -> Any:
    return _priced(answer, "getEnergyFee", lambda _: 1)


@lie(PARAMETER_PATHS)
def price_bandwidth_up(telling: Telling, answer: Any) -> Any:
    return _priced(answer, "getTransactionFee", lambda price: price * telling.invent.randrange(5, 50))


@lie(PARAMETER_PATHS)
def price_activation_up(telling: Telling, answer: Any) -> Any:
    return _priced(answer, "getCreateNewAccountFeeInSystemContract", lambda price: price * 100)


@lie(PARAMETER_PATHS)
def price_activation_down(telling: Telling, answer: Any) -> Any:
    return _priced(answer, "getCreateNewAccountFeeInSystemContract", lambda _: 0)


# --- about estimates


def _estimated(answer: Any, energy: int) -> Any:
    name = "energy_required" if "energy_required" in answer else "energy_used"
    return answer | {name: energy} if answer.get("result", {}).get("result") else answer


@lie(ESTIMATES)
def estimate_zero(telling: Telling, answer: Any) -> Any:
    return _estimated(answer, 0)


@lie(ESTIMATES)
def estimate_low(telling: Telling, answer: Any) -> Any:
    """Half of what it takes: a fee limit made of it runs out."""
    return _estimated(answer, answer.get("energy_required", answer.get("energy_used", 0)) // 2)


@lie(ESTIMATES)
def estimate_huge(telling: Telling, answer: Any) -> Any:
    return _estimated(answer, telling.invent.randrange(10**8, 10**9))


# --- about balances


def _balance(telling: Telling, answer: Any, change: Callable[[int], int]) -> Any:
    """TRX in getaccount, tokens in a constant call of balanceOf."""
    if telling.name == "getaccount":
        return answer | {"balance": change(answer.get("balance", 0))} if answer else answer
    selector = str(telling.params.get("data") or "")[:8]
    if telling.params.get("function_selector") != "balanceOf(address)" and selector != BALANCE_OF:
        return answer
    words = [change(int(word or "0", 16)).to_bytes(32).hex() for word in answer.get("constant_result", ())]
    return answer | {"constant_result": words}


BALANCES = frozenset({"getaccount", "triggerconstantcontract"})


@lie(BALANCES)
def balance_more(telling: Telling, answer: Any) -> Any:
    return _balance(telling, answer, lambda found: found + telling.invent.randrange(10**6, 10**12))


@lie(BALANCES)
def balance_zero(telling: Telling, answer: Any) -> Any:
    return _balance(telling, answer, lambda _: 0)
