"""A real HTTP server in front of a local node that misbehaves on command: for tests of faults.

    with RpcProxy(anvil_arbitrum.url) as proxy:              # or the fixture `rpc_proxy`: rpc_proxy(anvil.url)
        networks["arbitrum"]["rpc_urls"] = [proxy.url]
        proxy.down(); ...; proxy.up()                        # connection refused, at the same port

HTTP faults; each takes `methods=` (default: every request) and `times=` (default: until `proxy.behave()`):

    proxy.answer_status(429, headers={"retry-after": "2"})   # before the node gets it; also 503, ...
    proxy.slow(3.0)                                          # answer late
    proxy.drip(bytes_each=1, every_seconds=0.1)              # the answer comes, but by and by
    proxy.hang_up()                                          # close the connection before the node gets it
    proxy.lose_answer("eth_sendRawTransaction", how="502")   # the node takes it; the answer is a 502,
    proxy.lose_answer("eth_sendRawTransaction", how="drop")  #   the connection closes,
    proxy.lose_answer("eth_sendRawTransaction", how="hang")  #   or nothing comes until the client gives up
    proxy.refuse_batches()                                   # a batch is answered by one error

Lies and limits; each lasts until `proxy.behave()`:

    proxy.chain_id = 1                                       # wrong chain id
    proxy.lie_about_height(by=1000)                          # latest/finalized claim another height than they have
    proxy.stuck_at(height)                                   # a node that fell behind: consistent, but old
    proxy.drop_logs(lambda log: True)                        # logs missing from eth_getLogs (receipts stay whole)
    proxy.refuse_ranges(wider_than=100, more_logs_than=None) # "query returned more than ..." until narrow enough
    proxy.slow_ranges(3.0, wider_than=100)                   # answer wide ranges late
    proxy.reformat("upper_case")                             # any style of tests/support/odd_json.py
    proxy.base_fee_factor = 3                                # blocks claim three times their base fee
    proxy.enforce_replacement(percent=10)                    # as real nodes do, where anvil takes any higher fee
    proxy.swallow_sends()                                    # says yes to a transaction and forgets it
    proxy.refuse_sends(code=-32000, message="nonce too low") # any error for eth_sendRawTransaction
    proxy.refuse("eth_getBalance", message="...")            # any error for any method
    proxy.edit("eth_getBalance", lambda params, result: "0x0")  # anything else

Watching: `proxy.requests` (list of `Request(method, params)`), `proxy.count("eth_getLogs")`;
`proxy.before(method, callback)` runs in the server's thread before the request is handled (to raise a flag, or to stop
a process at that very moment).
`raise_base_fee(url, factor)` makes a local node really multiply its base fee. Everything may be changed at any time.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import orjson
import pytest
import urllib3
from django.db import connections

from tests.support.odd_json import ODD_STYLES
from treasury.chains.errors import InvalidTransaction
from treasury.chains.payloads import decode_signed, transaction_hash

SEND = "eth_sendRawTransaction"
_TAGS = ("latest", "finalized", "safe", "pending")


@dataclass(frozen=True)
class Request:
    method: str
    params: list[Any]


@dataclass
class _Fault:
    act: Callable[[_Handler], bool]  # True: the request is dealt with
    methods: frozenset[str]
    times: int | None
    after_forwarding: bool = False

    def applies(self, methods: set[str]) -> bool:
        return (self.times is None or self.times > 0) and (not self.methods or bool(self.methods & methods))


@dataclass
class _Lies:
    """What `behave()` puts back."""

    chain_id: int | None = None
    base_fee_factor: int = 1
    height_lie: int = 0
    stuck_at: int | None = None
    drop_log: Callable[[dict[str, Any]], bool] | None = None
    widest_range: int | None = None
    most_logs: int | None = None
    range_error: dict[str, Any] = field(default_factory=dict)
    slow_range: tuple[float, int] | None = None
    drip: tuple[int, float] | None = None
    style: str | None = None
    replacement_percent: int | None = None
    swallowed: int | None = 0
    refusals: dict[str, tuple[dict[str, Any], int | None]] = field(default_factory=dict)
    edits: dict[str, Callable[[list[Any], Any], Any]] = field(default_factory=dict)
    takes_batches: bool = True


class RpcProxy:
    """See the head of this module."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.requests: list[Request] = []
        self._upstream_pool = urllib3.PoolManager(maxsize=8, retries=False)
        self._lock = threading.RLock()
        self._lies = _Lies()
        self._faults: list[_Fault] = []
        self._callbacks: dict[str, Callable[[], object]] = {}
        self._pending: dict[tuple[str, int], bytes] = {}
        self._closing = threading.Event()
        self._server: _Server | None = None
        self._reserved = self._bind(0)
        self.port = self._reserved.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self.down()
        self._reserved.close()
        self._upstream_pool.clear()

    # --- the connection ---

    def up(self) -> None:
        """Listen (again)."""
        if self._server is None:
            self._reserved.close()
            self._server = _Server(("127.0.0.1", self.port), self)
            threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def down(self) -> None:
        """Close every connection and refuse new ones; the port stays ours."""
        if self._server is not None:
            self._server.shutdown()
            self._server.close_everything()
            self._server = None
            self._reserved = self._bind(self.port)  # bound, not listening: connections are refused

    @staticmethod
    def _bind(port: int) -> socket.socket:
        reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", port))
        return reserved

    def behave(self) -> None:
        """An honest, fast proxy again."""
        with self._lock:
            self._faults.clear()
            self._lies = _Lies()
            self._callbacks.clear()
        self.up()

    # --- HTTP faults ---

    def answer_status(
        self,
        status: int,
        *,
        headers: dict[str, str] | None = None,
        methods: Sequence[str] = (),
        times: int | None = None,
    ) -> None:
        def act(handler: _Handler) -> bool:
            handler.respond(status, b"no", headers or {})
            return True

        self._add(act, methods, times)

    def slow(self, seconds: float, *, methods: Sequence[str] = (), times: int | None = None) -> None:
        def act(_: _Handler) -> bool:
            return self._closing.wait(seconds)  # what waits at the end goes nowhere: another test's node may be there

        self._add(act, methods, times)

    def drip(self, *, bytes_each: int, every_seconds: float) -> None:
        self._lies.drip = (bytes_each, every_seconds)

    def drip_out(self, write: Callable[[bytes], object], body: bytes) -> None:
        """Write the body as fast as told."""
        if self._lies.drip is None:
            write(body)
            return
        size, pause = self._lies.drip
        for at in range(0, len(body), size):
            if self._closing.wait(pause):
                return
            write(body[at : at + size])

    def hang_up(self, *, methods: Sequence[str] = (), times: int | None = None) -> None:
        def act(handler: _Handler) -> bool:
            handler.hang_up()
            return True

        self._add(act, methods, times)

    def lose_answer(self, *methods: str, how: str = "502", times: int | None = 1) -> None:
        def act(handler: _Handler) -> bool:
            if how == "hang":
                self._closing.wait(60)
            if how.isdigit():
                handler.respond(int(how), b"bad gateway", {})
            else:
                handler.hang_up()
            return True

        self._add(act, methods, times, after_forwarding=True)

    def refuse_batches(self) -> None:
        self._lies.takes_batches = False

    def _add(
        self,
        act: Callable[[_Handler], bool],
        methods: Sequence[str],
        times: int | None,
        *,
        after_forwarding: bool = False,
    ) -> None:
        with self._lock:
            self._faults.append(_Fault(act, frozenset(methods), times, after_forwarding))

    # --- lies and limits ---

    @property
    def chain_id(self) -> int | None:
        return self._lies.chain_id

    @chain_id.setter
    def chain_id(self, value: int | None) -> None:
        self._lies.chain_id = value

    @property
    def base_fee_factor(self) -> int:
        return self._lies.base_fee_factor

    @base_fee_factor.setter
    def base_fee_factor(self, value: int) -> None:
        self._lies.base_fee_factor = value

    def lie_about_height(self, *, by: int) -> None:
        self._lies.height_lie = by

    def stuck_at(self, height: int | None) -> None:
        self._lies.stuck_at = height

    def drop_logs(self, which: Callable[[dict[str, Any]], bool] = lambda _: True) -> None:
        self._lies.drop_log = which

    def refuse_ranges(
        self,
        *,
        wider_than: int | None = None,
        more_logs_than: int | None = None,
        code: int = -32005,
        message: str = "query returned more than 10000 results",
    ) -> None:
        self._lies.widest_range = wider_than
        self._lies.most_logs = more_logs_than
        self._lies.range_error = {"code": code, "message": message}

    def slow_ranges(self, seconds: float, *, wider_than: int) -> None:
        self._lies.slow_range = (seconds, wider_than)

    def reformat(self, style: str) -> None:
        self._lies.style = style

    def enforce_replacement(self, *, percent: int = 10) -> None:
        self._lies.replacement_percent = percent

    def swallow_sends(self, *, times: int | None = None) -> None:
        self._lies.swallowed = times

    def refuse_sends(self, *, message: str, code: int = -32000, times: int | None = None) -> None:
        self.refuse(SEND, message=message, code=code, times=times)

    def refuse(self, method: str, *, message: str, code: int = -32000, times: int | None = None) -> None:
        self._lies.refusals[method] = ({"code": code, "message": message}, times)

    def edit(self, method: str, change: Callable[[list[Any], Any], Any]) -> None:
        """`change(params, result)` returns the result that the client gets."""
        self._lies.edits[method] = change

    # --- watching ---

    def count(self, method: str) -> int:
        return sum(request.method == method for request in self.requests)

    def before(self, method: str, callback: Callable[[], object]) -> None:
        self._callbacks[method] = callback

    # --- handling ---

    def take_fault(self, methods: set[str], *, after_forwarding: bool) -> list[_Fault]:
        with self._lock:
            found = [
                fault for fault in self._faults if fault.after_forwarding is after_forwarding and fault.applies(methods)
            ]
            for fault in found:
                if fault.times is not None:
                    fault.times -= 1
            return found

    def note(self, calls: Sequence[dict[str, Any]]) -> None:
        for call in calls:
            with self._lock:
                self.requests.append(Request(call["method"], call.get("params", [])))
                callback = self._callbacks.get(call["method"])
            if callback is not None:
                callback()

    def answer(self, calls: list[dict[str, Any]], *, batch: bool) -> bytes:
        if batch and not self._lies.takes_batches:
            return orjson.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no batches"}})
        answers = self.answer_all(calls)
        document: Any = answers if batch else answers[0]
        style = self._lies.style
        return ODD_STYLES[style](document) if style else orjson.dumps(document)

    def answer_all(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [self._answer_one(call) for call in calls]

    def _answer_one(self, call: dict[str, Any]) -> dict[str, Any]:
        method, params = call["method"], call.get("params", [])
        error = self._refusal(method, params)
        if error is not None:
            return {"jsonrpc": "2.0", "id": call.get("id"), "error": error}
        if method == SEND and self._takes_one_to_swallow():
            swallowed = transaction_hash(_raw(params))
            return {"jsonrpc": "2.0", "id": call.get("id"), "result": swallowed}
        answer = self.forward({**call, "params": self._asked_of_node(method, params)})
        if "result" in answer:
            answer["result"] = self._bend(method, params, answer["result"])
            most = self._lies.most_logs
            if method == "eth_getLogs" and most is not None and len(answer["result"]) > most:
                return {"jsonrpc": "2.0", "id": call.get("id"), "error": self._lies.range_error}
        return answer

    def forward(self, call: dict[str, Any]) -> dict[str, Any]:
        response = self._upstream_pool.request(
            "POST", self.upstream, body=orjson.dumps(call), headers={"content-type": "application/json"}, timeout=30
        )
        return dict(orjson.loads(response.data))

    def _ask(self, method: str, *params: Any) -> Any:
        return self.forward({"jsonrpc": "2.0", "id": 0, "method": method, "params": list(params)}).get("result")

    def _refusal(self, method: str, params: list[Any]) -> dict[str, Any] | None:
        lies = self._lies
        error, times = lies.refusals.get(method, ({}, 0))
        if times is None or times > 0:
            lies.refusals[method] = (error, times if times is None else times - 1)
            return error
        if method == "eth_getLogs":
            if lies.slow_range is not None and _width(params) > lies.slow_range[1]:
                self._closing.wait(lies.slow_range[0])
            if lies.widest_range is not None and _width(params) > lies.widest_range:
                return lies.range_error
            if lies.stuck_at is not None and int(params[0]["toBlock"], 16) > lies.stuck_at:
                return {"code": -32000, "message": "block range extends beyond current head block"}
        if method == SEND and lies.replacement_percent is not None:
            return self._refuse_weak_replacement(_raw(params), lies.replacement_percent)
        return None

    def _takes_one_to_swallow(self) -> bool:
        with self._lock:
            if self._lies.swallowed == 0:
                return False
            if self._lies.swallowed is not None:
                self._lies.swallowed -= 1
            return True

    def _refuse_weak_replacement(self, raw: bytes, percent: int) -> dict[str, Any] | None:
        try:
            decoded = decode_signed(raw)
        except InvalidTransaction:
            return None  # the node's to refuse
        slot = (decoded.sender, decoded.payload.nonce)
        with self._lock:
            known = self._pending.get(slot)
            if known == raw:
                held = self._ask("eth_getTransactionByHash", decoded.tx_hash)
                return {"code": -32000, "message": "already known"} if held is not None else None
            if known is not None:
                old = self._ask("eth_getTransactionByHash", transaction_hash(known))
                if old is not None and old.get("blockNumber") is None:
                    before, after = decode_signed(known).payload, decoded.payload
                    enough = (
                        after.max_fee_wei * 100 >= before.max_fee_wei * (100 + percent)
                        and after.max_priority_fee_wei * 100 >= before.max_priority_fee_wei * (100 + percent)
                        and after.max_fee_wei > before.max_fee_wei
                        and after.max_priority_fee_wei > before.max_priority_fee_wei
                    )
                    if not enough:
                        return {"code": -32000, "message": "replacement transaction underpriced"}
            self._pending[slot] = raw
            return None

    def _asked_of_node(self, method: str, params: list[Any]) -> list[Any]:
        stuck = self._lies.stuck_at
        if stuck is None or method not in ("eth_getBlockByNumber", "eth_getTransactionCount", "eth_getBalance"):
            return params
        return [hex(stuck) if param in _TAGS else param for param in params]

    def _bend(self, method: str, params: list[Any], result: Any) -> Any:
        lies = self._lies
        if method == "eth_chainId" and lies.chain_id is not None:
            result = hex(lies.chain_id)
        elif method == "eth_blockNumber":
            result = hex(int(result, 16) + lies.height_lie if lies.stuck_at is None else lies.stuck_at)
        elif method == "eth_getBlockByNumber" and result is not None:
            result = self._bend_block(params, result)
        elif method == "eth_getLogs" and lies.drop_log is not None:
            drop = lies.drop_log
            result = [log for log in result if not drop(log)]
        change = lies.edits.get(method)
        return change(params, result) if change is not None else result

    def _bend_block(self, params: list[Any], block: dict[str, Any]) -> dict[str, Any] | None:
        lies = self._lies
        number = int(block["number"], 16)
        if lies.stuck_at is not None and number > lies.stuck_at:
            return None
        if params[0] in _TAGS and lies.height_lie:
            block = block | {"number": hex(max(0, number + lies.height_lie))}
        if "baseFeePerGas" in block and lies.base_fee_factor != 1:
            block = block | {"baseFeePerGas": hex(int(block["baseFeePerGas"], 16) * lies.base_fee_factor)}
        return block


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], proxy: RpcProxy) -> None:
        self.proxy = proxy
        self.open_connections: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def close_everything(self) -> None:
        self.server_close()
        for connection in list(self.open_connections):
            _close(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that give up are what these tests are about: no noise."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.open_connections.add(self.connection)

    def finish(self) -> None:
        self.server.open_connections.discard(self.connection)
        connections.close_all()  # this thread's, which a test's callback may have opened
        super().finish()

    def do_POST(self) -> None:
        proxy = self.server.proxy
        asked = orjson.loads(self.rfile.read(int(self.headers["content-length"])))
        calls = asked if isinstance(asked, list) else [asked]
        methods = {call["method"] for call in calls}
        proxy.note(calls)
        if any([fault.act(self) for fault in proxy.take_fault(methods, after_forwarding=False)]):  # noqa: C419  # run all
            return
        body = proxy.answer(calls, batch=isinstance(asked, list))
        if any([fault.act(self) for fault in proxy.take_fault(methods, after_forwarding=True)]):  # noqa: C419  # run all
            return
        self.respond(200, body, {})

    def respond(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.server.proxy.drip_out(self.wfile.write, body)

    def hang_up(self) -> None:
        self.close_connection = True
        _close(self.connection)

    def log_message(self, *_: object) -> None:
        pass


def _close(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side was faster


def _raw(params: list[Any]) -> bytes:
    return bytes.fromhex(params[0][2:])


def _width(params: list[Any]) -> int:
    return int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1


def raise_base_fee(url: str, factor: int) -> int:
    """Make a local node multiply its base fee, mine a block with it, and return it. Later blocks lower it slowly."""

    def call(method: str, *params: Any) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
        return urllib3.request("POST", url, body=body, headers={"content-type": "application/json"}).json()["result"]

    base_fee = int(call("eth_getBlockByNumber", "latest", False)["baseFeePerGas"], 16) * factor
    call("anvil_setNextBlockBaseFeePerGas", hex(base_fee))
    call("evm_mine")
    return base_fee


def wait_for(condition: Callable[[], bool], *, seconds: float = 10.0, what: str = "") -> None:
    """Wait until the condition holds. Raises AssertionError."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain{' for ' + what if what else ''}"
        time.sleep(0.01)


@pytest.fixture
def rpc_proxy() -> Iterator[Callable[[str], RpcProxy]]:
    """`rpc_proxy(url)` starts a proxy in front of a node; all of them end with the test."""
    started: list[RpcProxy] = []

    def start(upstream: str) -> RpcProxy:
        proxy = RpcProxy(upstream).__enter__()
        started.append(proxy)
        return proxy

    yield start
    for proxy in started:
        proxy.__exit__()
