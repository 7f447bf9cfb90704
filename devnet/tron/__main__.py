"""`python -m devnet.tron --port P --control-port C`: a local TRON node on this machine only.

For the demo and the tests. Its keys can be derived by anybody from the seed: worth nothing on a real network.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import signal
import sys
from pathlib import Path

from aiohttp import web

from devnet.tron import control, http
from devnet.tron.addresses import base58_of
from devnet.tron.chain import SOLID_LAG, Settings
from devnet.tron.genesis import DEFAULT_SEED, Actors, token_address
from devnet.tron.node import Node


async def mine_on(node: Node) -> None:
    """A block each `block_ms`, while the node is not paused."""
    while True:
        await asyncio.sleep((node.chain.settings.block_ms or 1_000) / 1000)
        if not node.paused and node.chain.settings.block_ms:
            node.chain.mine()


async def serve(node: Node, port: int, control_port: int) -> None:
    runners = []
    for app, at in ((http.application(node), port), (control.application(node), control_port)):
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", at).start()
        runners.append(runner)
    announce(node, port, control_port)
    gc.freeze()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    mining = asyncio.create_task(mine_on(node))
    mining.add_done_callback(lambda _: ended.set())  # it ends by itself only when it fails
    await ended.wait()
    mining.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await mining
    for runner in runners:
        await runner.cleanup()
    node.close()


def announce(node: Node, port: int, control_port: int) -> None:
    seed = node.chain.settings.seed
    actors = Actors.of(seed)
    print(f"TRON node at http://127.0.0.1:{port}, control at http://127.0.0.1:{control_port}")
    print(f"height {node.chain.head.number}, genesis {node.chain.genesis_id.hex()}")
    for role, key in (("faucet", actors.faucet), ("token owner", actors.token_owner)):
        print(f"{role} {base58_of(key.address)}, private key {key.secret.hex()} (devnet only)")
    print(f"token {base58_of(token_address(seed))}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="devnet.tron", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--control-port", type=int, required=True)
    parser.add_argument("--block-ms", type=int, default=3_000, help="0: blocks only on demand")
    parser.add_argument("--solid-lag", type=int, default=SOLID_LAG, help="blocks between the head and the solid one")
    parser.add_argument("--state", type=Path, help="folder that keeps the chain; without it everything is in memory")
    parser.add_argument("--seed", default=DEFAULT_SEED, help="all keys are derived from it")
    parser.add_argument(
        "--name", default="exchequer-local", help="makes the genesis block, and so the network, its own"
    )
    options = parser.parse_args()
    sys.setrecursionlimit(10_000)  # contracts may call each other 64 deep, each with many of Python's frames
    settings = Settings(block_ms=options.block_ms, solid_lag=options.solid_lag, seed=options.seed, name=options.name)
    asyncio.run(serve(Node(settings, options.state), options.port, options.control_port))


if __name__ == "__main__":
    main()
