"""tronpy in a plain loop: `_tron_payments_peers <url> <control url> <count> <label> <number>`; stores nothing."""

from __future__ import annotations

import json
import sys
import time

from tronpy import Tron
from tronpy.keys import PrivateKey
from tronpy.providers import HTTPProvider

from benchmarks._tron_node import attached, fund, recipient, taken
from devnet.tron.addresses import Key, base58_of

AMOUNT = 2_000_000
FEE_LIMIT_SUN = 100_000_000


def main() -> None:
    url, control_url, count, label = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    node = attached(url, control_url)
    derived = Key.derived("benchmarks", label)
    key, owner = PrivateKey(derived.secret), base58_of(derived.address)
    fund(node, owner, tokens=AMOUNT * count)
    contract = Tron(HTTPProvider(url)).get_contract(node.token)
    recipients = [recipient(label, number) for number in range(count)]
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()
    for to in recipients:
        made = contract.functions.transfer(to, AMOUNT).with_owner(owner).fee_limit(FEE_LIMIT_SUN).build()
        made.sign(key).broadcast()
    seconds = time.perf_counter() - started
    if len(taken(node)) != count:
        raise SystemExit("not every transaction was accepted")
    print(json.dumps({"done": count, "seconds": seconds}))


if __name__ == "__main__":
    main()
