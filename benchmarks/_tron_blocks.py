"""Blocks of TRON as busy as the real chain's: headers whose ids fit, and the receipts as java-tron's API writes them.

A block has 300 transactions: 100 transfers of USDT, 130 that log nothing (TRX, votes, lent energy), 40 of other tokens,
20 exchanges with several logs and internal transactions, 10 that failed. That makes some 300 kB of compact JSON.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from devnet.tron.blocks import make_block, witnesses
from devnet.tron.printing import printed_block
from devnet.tron.store import Mined

TRANSACTIONS, USDT, PLAIN, OTHERS, EXCHANGES, FAILED = 300, 100, 130, 40, 20, 10
TRANSFERS = USDT + OTHERS + 3 * EXCHANGES
"""Transfer logs of any contract in one block."""

FIRST_BLOCK = 70_000_000
FIRST_TIME_MS = 1_740_000_000_000
GENESIS_ID = "00000000000000001ebf88508a03865c71d452e25f4d51194196a1d22b6653dc"
CHAIN_ID = int(GENESIS_ID[-8:], 16)
TOKEN = "a614f803b6fd780986a42c78ec9c7f77e6ded13c"
TRANSFER_TOPIC = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
SWAP_TOPIC = "d78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822"
SYNC_TOPIC = "1c411e9a96e071241c2f21f7726b17ae89e3cab4c78be50e062b03a9fffbbad1"
_OTHER_TOKENS = [sha256(b"token %d" % number).hexdigest()[:40] for number in range(50)]


class Headers:
    """A make-believe chain from FIRST_BLOCK on, the same in every process."""

    def __init__(self) -> None:
        self._blocks: list[Mined] = []

    def block(self, number: int) -> dict[str, Any]:
        """The answer to `getblock` without details."""
        if number == 0:
            return {"blockID": GENESIS_ID, "block_header": {"raw_data": {"parentHash": "00" * 32}}}
        while len(self._blocks) <= number - FIRST_BLOCK:
            at = FIRST_BLOCK + len(self._blocks)
            self._blocks.append(
                make_block(
                    number=at,
                    parent=self._blocks[-1].id if self._blocks else sha256(b"before").digest(),
                    time_ms=time_ms(at),
                    witness=witnesses("benchmarks")[at % 27],
                    transactions=(),
                    infos=[],
                )
            )
        return printed_block(self._blocks[number - FIRST_BLOCK], detail=False)


def time_ms(number: int) -> int:
    """Three seconds a block."""
    return FIRST_TIME_MS + 3_000 * (number - FIRST_BLOCK)


def receipts(number: int, *, ours: Sequence[str], seed: str) -> bytes:
    """The answer to `gettransactioninfobyblocknum`. One USDT transfer goes to each of `ours` (40 hex digits)."""
    dice = random.Random(f"{seed} {number}")
    recipients = [*ours, *(_digits(dice, 40) for _ in range(USDT - len(ours)))]
    made = [_call(dice, TOKEN, [_transfer(dice, TOKEN, recipient)], f"{1:064x}") for recipient in recipients]
    made += [_plain(dice) for _ in range(PLAIN)]
    for _ in range(OTHERS):
        token = dice.choice(_OTHER_TOKENS)
        made.append(_call(dice, token, [_transfer(dice, token, _digits(dice, 40))], f"{1:064x}"))
    made += [_exchange(dice) for _ in range(EXCHANGES)]
    made += [_failed(dice) for _ in range(FAILED)]
    dice.shuffle(made)
    for each in made:
        each["blockNumber"] = number
        each["blockTimeStamp"] = time_ms(number)
    return json.dumps(made, separators=(",", ":")).encode()


def _digits(dice: random.Random, count: int) -> str:
    return f"{dice.getrandbits(4 * count):0{count}x}"


def _address_topic(dice: random.Random) -> str:
    return f"{dice.getrandbits(160):064x}"


def _transfer(dice: random.Random, token: str, recipient: str) -> dict[str, Any]:
    return {
        "address": token,
        "data": f"{dice.randrange(1_000_000, 10**11):064x}",
        "topics": [TRANSFER_TOPIC, _address_topic(dice), f"{recipient:0>64}"],
    }


def _call(dice: random.Random, contract: str, logs: list[dict[str, Any]], result: str) -> dict[str, Any]:
    """A contract call that succeeded. The order of the keys is java-tron's."""
    energy = dice.randrange(14_000, 131_000)
    fee = dice.choice((0, 345_000, energy * 100))
    receipt = {
        "result": "SUCCESS", "energy_penalty_total": energy * 3 // 4, "energy_fee": fee, "energy_usage_total": energy,
        "energy_usage": energy, "net_usage": 345,
    }  # fmt: skip
    return {
        "log": logs, "fee": fee, "blockNumber": 0, "contractResult": [result], "blockTimeStamp": 0, "receipt": receipt,
        "id": _digits(dice, 64), "contract_address": f"41{contract}",
    }  # fmt: skip


def _plain(dice: random.Random) -> dict[str, Any]:
    return {
        "blockNumber": 0, "contractResult": [""], "blockTimeStamp": 0, "receipt": {"net_usage": 268},
        "id": _digits(dice, 64),
    }  # fmt: skip


def _exchange(dice: random.Random) -> dict[str, Any]:
    """Three tokens move through two pools: Transfer, Sync and Swap logs, and the calls among the contracts."""
    logs = []
    for _ in range(3):
        token = dice.choice(_OTHER_TOKENS)
        logs.append(_transfer(dice, token, _digits(dice, 40)))
        pool = dice.choice(_OTHER_TOKENS)
        logs.append({"address": pool, "data": _digits(dice, 128), "topics": [SYNC_TOPIC]})
        topics = [SWAP_TOPIC, _address_topic(dice), _address_topic(dice)]
        logs.append({"address": pool, "data": _digits(dice, 256), "topics": topics})
    made = _call(dice, dice.choice(_OTHER_TOKENS), logs, _digits(dice, 256))
    made["internal_transactions"] = [
        {
            "caller_address": f"41{dice.choice(_OTHER_TOKENS)}",
            "note": "63616c6c",
            "transferTo_address": f"41{dice.choice(_OTHER_TOKENS)}",
            "callValueInfo": [{}],
            "hash": _digits(dice, 64),
        }
        for _ in range(9)
    ]
    return made


def _failed(dice: random.Random) -> dict[str, Any]:
    made = _call(dice, TOKEN, [], "")
    del made["log"]
    made["receipt"]["result"] = "OUT_OF_ENERGY"
    return made | {"result": "FAILED", "resMessage": b"Not enough energy for 'SSTORE' operation executing".hex()}
