"""tronpy over the same receipts: `_tron_scan_peers <file> <number>`; the protocol of `Bench.clients`.

The file has one answer to `gettransactioninfobyblocknum` per line. The contract's event decodes every log of the token.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from tronpy.contract import Contract

TOKEN = "a614f803b6fd780986a42c78ec9c7f77e6ded13c"
ABI = [
    {
        "type": "Event",
        "name": "Transfer",
        "inputs": [
            {"name": "from", "type": "address", "indexed": True},
            {"name": "to", "type": "address", "indexed": True},
            {"name": "value", "type": "uint256"},
        ],
    }
]


def main() -> None:
    bodies = Path(sys.argv[1]).read_bytes().splitlines()
    transfer = Contract(TOKEN, abi=ABI).events.Transfer  # logs name contracts without the prefix 41
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()
    found = [
        event
        for body in bodies
        for receipt in json.loads(body)
        if "log" in receipt
        for event in transfer.process_receipt(receipt)
    ]
    seconds = time.perf_counter() - started
    if not found[0]["args"]["to"].startswith("T"):
        raise SystemExit("not decoded")
    print(json.dumps({"done": len(found), "seconds": seconds}))


if __name__ == "__main__":
    main()
