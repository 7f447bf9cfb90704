"""The node's HTTP port.

Under `/honest/` the same chain answers without the faults and lies that the control port switched on: a second node
that went astray in nothing, for tests of what two nodes say.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from aiohttp import web

from devnet.tron import grid
from devnet.tron.faults import Fault
from devnet.tron.node import Node
from devnet.tron.wallet.registry import Answer

HONEST = "honest/"
LARGEST_BODY = 8 * 1024 * 1024
NODE = web.AppKey("node", Node)


class Dropped(Exception):
    """The connection is closed without an answer."""


async def parameters(request: web.Request) -> dict[str, Any]:
    """From the URL and the body; the body wins."""
    params: dict[str, Any] = dict(request.query)
    if request.can_read_body:
        body = await request.read()
        if body.strip():
            given = orjson.loads(body)
            if isinstance(given, dict):
                params |= given
    return params


def as_json(answer: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(answer), status=status, content_type="application/json", charset="utf-8")


def drop(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _with_fault(request: web.Request, fault: Fault, params: dict[str, Any]) -> web.Response:
    if fault.kind == "drop_before":
        return drop(request)
    if fault.kind == "error":
        kind = "application/json" if fault.body.startswith("{") else "text/plain"
        return web.Response(status=fault.status, text=fault.body, content_type=kind)
    node = request.app[NODE]
    if fault.kind == "repeat" and request.path in node.previous:
        return as_json(node.previous[request.path])
    answer = _answer(node, request, params)
    if fault.kind == "duplicate":
        answer = _answer(node, request, params)
    if fault.kind == "drop_after":
        return drop(request)
    if fault.kind == "delay":
        await asyncio.sleep(fault.ms / 1000)
    return answer


def _answer(node: Node, request: web.Request, params: dict[str, Any]) -> web.Response:
    path = request.path.lstrip("/")
    honest = path.startswith(HONEST)
    kind, _, name = path.removeprefix(HONEST).partition("/")
    answer: Answer | None
    if kind == "v1":
        answer = grid.answer(node.view(solid=False), name, str(request.url.with_query(None)), params)
    else:
        answer = (
            node.answer(name, params, solid=kind == "walletsolidity", honest=honest)
            if kind.startswith("wallet")
            else None
        )
    if answer is None:
        return web.Response(status=404, text="404 Not Found")
    node.previous[request.path] = answer
    return as_json(answer)


async def handle(request: web.Request) -> web.Response:
    node = request.app[NODE]
    try:
        params = await parameters(request)
    except ValueError as error:
        return as_json({"Error": f"class org.tron.json.JSONException : {error}"})
    fault = None if request.path.startswith(f"/{HONEST}") else node.faults.next_for(request.path)
    if fault is not None:
        return await _with_fault(request, fault, params)
    return _answer(node, request, params)


def application(node: Node) -> web.Application:
    app = web.Application(client_max_size=LARGEST_BODY)
    app[NODE] = node
    app.router.add_route("*", "/{path:.*}", handle)
    return app
