"""What others do to pay: `_payments_peers <loop|raw> <url> <token> <count> <private key> <number>`; stores nothing."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from typing import Any

import urllib3
from eth_account import Account
from web3 import HTTPProvider, Web3

ABI = [
    {
        "type": "function", "name": "transfer", "stateMutability": "nonpayable", "outputs": [],
        "inputs": [{"name": "to", "type": "address"}, {"name": "value", "type": "uint256"}],
    }
]  # fmt: skip
AMOUNT = 2_000_000


def recipient(seed: str, number: int) -> str:
    return Web3.to_checksum_address(hashlib.sha256(f"{seed}:{number}".encode()).digest()[:20])


def begin() -> float:
    print("ready", flush=True)
    sys.stdin.readline()
    return time.perf_counter()


def main() -> None:
    how, url, token, count, key = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5]
    from devnet.anvil import rpc
    from devnet.contracts.deploy import Deployer

    web3 = Web3(HTTPProvider(url))
    account = Account.from_key(key)
    rpc(url, "anvil_setBalance", account.address, hex(10**21))
    Deployer(url).mint(token, account.address, AMOUNT * count)
    contract = web3.eth.contract(address=Web3.to_checksum_address(token), abi=ABI)
    chain_id = web3.eth.chain_id

    def built(number: int, **fields: Any) -> bytes:
        call = contract.functions.transfer(recipient(key, number), AMOUNT)
        made = call.build_transaction({"from": account.address, "nonce": number, "chainId": chain_id, **fields})  # type: ignore[typeddict-item]  # a nonce is an int
        return bytes(account.sign_transaction(made).raw_transaction)

    if how == "loop":
        started = begin()
        for number in range(count):
            web3.eth.send_raw_transaction(built(number))
        seconds = time.perf_counter() - started
    else:
        signed = [built(number, gas=100_000, maxFeePerGas=10**10, maxPriorityFeePerGas=0) for number in range(count)]
        pool = urllib3.PoolManager()
        started = begin()
        for number, raw in enumerate(signed):
            body = {"jsonrpc": "2.0", "id": number, "method": "eth_sendRawTransaction", "params": ["0x" + raw.hex()]}
            answer = pool.request("POST", url, body=json.dumps(body), headers={"content-type": "application/json"})
            if "result" not in answer.json():
                raise SystemExit(answer.data.decode())
        seconds = time.perf_counter() - started
    if web3.eth.get_transaction_count(account.address, "pending") != count:
        raise SystemExit("not every transaction was accepted")
    print(json.dumps({"done": count, "seconds": seconds}))


if __name__ == "__main__":
    main()
