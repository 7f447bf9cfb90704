"""An answer to eth_getLogs as a busy token gives it: compact JSON, every log another transaction and recipient."""

from __future__ import annotations

import random
from collections.abc import Sequence
from hashlib import sha256

TOPIC = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
TOKEN = "0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9"
LOGS_PER_BLOCK = 500


def block_hash(number: int) -> str:
    """The hash of a block of the make-believe chain."""
    return "0x" + sha256(f"block {number}".encode()).hexdigest()


def logs(count: int, *, ours: Sequence[str], first_block: int, seed: str) -> bytes:
    """The JSON list of `count` Transfer logs, LOGS_PER_BLOCK in each block from `first_block` on.

    Evenly among them stands one to each address of `ours`; all other recipients are strangers. All are distinct.
    """
    dice = random.Random(seed)
    every = count // len(ours) if ours else count + 1
    made = []
    for number in range(count):
        place, at = divmod(number, every)
        is_ours = at == every // 2 and place < len(ours)
        recipient = ours[place][2:].lower() if is_ours else f"{dice.getrandbits(160):040x}"
        block = first_block + number // LOGS_PER_BLOCK
        made.append(
            f'{{"address":"{TOKEN.lower()}","topics":["{TOPIC}",'
            f'"0x{dice.getrandbits(160):064x}","0x{recipient:0>64}"],'
            f'"data":"0x{dice.randrange(1_000_000, 10**12):064x}","blockNumber":"{block:#x}",'
            f'"transactionHash":"0x{dice.getrandbits(256):064x}","transactionIndex":"{number % LOGS_PER_BLOCK:#x}",'
            f'"blockHash":"{block_hash(block)}","logIndex":"{number % LOGS_PER_BLOCK:#x}","removed":false}}'
        )
    return f"[{','.join(made)}]".encode()
