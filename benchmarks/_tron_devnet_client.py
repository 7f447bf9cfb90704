"""Signed transfers to the local node: `_tron_devnet_client <url> <control url> <count> <label> <number>`.

The protocol is that of `Bench.clients`. The clock runs from the first request to the last transfer's block.
"""

from __future__ import annotations

import json
import sys
import time

import urllib3

from benchmarks._tron_node import attached, fund, in_blocks, recipient
from devnet.tron.addresses import Key, base58_of
from treasury.chains.tron.transactions import reference_of, token_transfer

AMOUNT = 2_000_000
FEE_LIMIT_SUN = 100_000_000


def main() -> None:
    url, control_url, count, label = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    node = attached(url, control_url)
    key = Key.derived("benchmarks", label)
    owner = base58_of(key.address)
    node.control("reset")
    fund(node, owner, tokens=AMOUNT * count)
    head = node.ask("wallet/getnowblock")
    head_ms = head["block_header"]["raw_data"]["timestamp"]
    block_bytes, block_hash = reference_of(node.ask("walletsolidity/getnowblock")["blockID"])
    token = node.token
    signed = []
    for number in range(count):
        raw = token_transfer(
            owner=owner,
            token_contract=token,
            recipient=recipient(label, number),
            amount_raw=AMOUNT,
            fee_limit_sun=FEE_LIMIT_SUN,
            ref_block_bytes=block_bytes,
            ref_block_hash=block_hash,
            expiration_ms=head_ms + 3_600_000,
            timestamp_ms=head_ms,
        )
        signature = key.sign(raw.signing_digest())
        made = raw.assemble(signature[64], int.from_bytes(signature[:32]), int.from_bytes(signature[32:64]))
        signed.append(json.dumps({"transaction": made.hex()}).encode())
    first = node.height + 1
    connection = urllib3.HTTPConnectionPool("127.0.0.1", node.port, maxsize=1)
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()
    for body in signed:
        answer = connection.request(
            "POST", "/wallet/broadcasthex", body=body, headers={"content-type": "application/json"}
        ).json()
        if answer["result"] is not True:
            raise SystemExit(str(answer))
    sent_seconds = time.perf_counter() - started
    node.mine()  # blocks come each three seconds besides; nobody waits for the last one
    seconds = time.perf_counter() - started
    receipts = in_blocks(node, first)
    done = sum(each["receipt"]["result"] == "SUCCESS" and len(each["log"]) == 1 for each in receipts)
    if done != count:
        raise SystemExit(f"{done} of {count} are in blocks")
    print(json.dumps({"done": count, "seconds": seconds, "sent_seconds": sent_seconds}))


if __name__ == "__main__":
    main()
