"""Blocks. framework/src/main/java/org/tron/core/services/http/GetBlock*Servlet.java."""

from __future__ import annotations

from devnet.tron.printing import printed_block
from devnet.tron.store import Mined
from devnet.tron.wallet.registry import Answer, Request, endpoint

MOST_BLOCKS = 100  # Wallet.BLOCK_LIMIT_NUM


def _shown(request: Request, found: Mined | None) -> Answer:
    return {} if found is None else printed_block(found, visible=request.visible)


@endpoint("getnowblock", solidity=True)
def getnowblock(request: Request) -> Answer:
    return _shown(request, request.view.newest)


@endpoint("getblockbynum", solidity=True)
def getblockbynum(request: Request) -> Answer:
    return _shown(request, request.view.block(request.integer("num")))


@endpoint("getblockbyid", solidity=True)
def getblockbyid(request: Request) -> Answer:
    return _shown(request, request.view.block_by_id(request.hash("value")))


@endpoint("getblock", solidity=True)
def getblock(request: Request) -> Answer:
    """By number or id, the newest without either; the header alone unless `detail` is asked for."""
    wanted = request.text("id_or_num")
    found: Mined | None
    if not wanted:
        found = request.view.newest
    elif wanted.isdigit():
        found = request.view.block(int(wanted))
    elif len(wanted) == 64:
        found = request.view.block_by_id(request.hash("id_or_num"))
    else:
        return {"Error": "id_or_num must be legal block hash or number."}
    return {} if found is None else printed_block(found, visible=request.visible, detail=request.flag("detail"))


def _listed(request: Request, numbers: range) -> Answer:
    blocks = [request.view.block(number) for number in numbers]
    return {"block": [printed_block(each, visible=request.visible) for each in blocks if each is not None]}


@endpoint("getblockbylimitnext", solidity=True)
def getblockbylimitnext(request: Request) -> Answer:
    """Blocks startNum <= number < endNum."""
    start, end = request.integer("startNum"), request.integer("endNum")
    if not (end > 0 and end > start and end - start <= MOST_BLOCKS):
        return {}
    return _listed(request, range(max(0, start), end))


@endpoint("getblockbylatestnum", solidity=True)
def getblockbylatestnum(request: Request) -> Answer:
    wanted = request.integer("num")
    if not 0 < wanted < MOST_BLOCKS:
        return {}
    newest = request.view.number
    return _listed(request, range(newest, max(-1, newest - wanted), -1))


@endpoint("gettransactioncountbyblocknum", solidity=True)
def gettransactioncountbyblocknum(request: Request) -> Answer:
    found = request.view.block(request.integer("num"))
    return {"count": -1 if found is None else len(found.message.transactions)}
