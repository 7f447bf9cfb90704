"""web3.py over an answer in memory: `_scan_web3_client <file> [raw] <number>`; the protocol of `Bench.clients`.

The token's `events.Transfer().get_logs` gives what a scan needs, Transfers. With "raw" it is `eth.get_logs`, which
leaves topics and data as they are.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from web3 import Web3
from web3.providers.base import JSONBaseProvider

TOKEN = "0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9"
ABI = [
    {
        "type": "event",
        "name": "Transfer",
        "anonymous": False,
        "inputs": [
            {"name": "from", "type": "address", "indexed": True},
            {"name": "to", "type": "address", "indexed": True},
            {"name": "value", "type": "uint256", "indexed": False},
        ],
    }
]


class FromMemory(JSONBaseProvider):
    """Hands web3.py the bytes that a node would send."""

    def __init__(self, logs: bytes) -> None:
        super().__init__()
        self.body = b'{"jsonrpc":"2.0","id":1,"result":%b}' % logs

    def make_request(self, method: Any, params: Any) -> Any:
        return self.decode_rpc_response(self.body)


def main() -> None:
    web3 = Web3(FromMemory(Path(sys.argv[1]).read_bytes()))
    transfer = web3.eth.contract(Web3.to_checksum_address(TOKEN), abi=ABI).events.Transfer()
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()
    if sys.argv[2] == "raw":
        found = len(web3.eth.get_logs({"fromBlock": 1, "toBlock": 2}))
    else:
        found = len(transfer.get_logs(from_block=1, to_block=2))
    print(json.dumps({"done": found, "seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
