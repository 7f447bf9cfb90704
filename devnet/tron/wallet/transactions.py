"""Transactions and receipts: GetTransaction*Servlet.java."""

from __future__ import annotations

from devnet.tron.printing import printed_info, printed_transaction
from devnet.tron.wallet.registry import Answer, Request, endpoint


@endpoint("gettransactionbyid", solidity=True)
def gettransactionbyid(request: Request) -> Answer:
    """On a full node also what still waits in the pool."""
    found = request.view.transaction(request.hash("value"))
    return {} if found is None else printed_transaction(found, visible=request.visible)


@endpoint("gettransactioninfobyid", solidity=True)
def gettransactioninfobyid(request: Request) -> Answer:
    found = request.view.info(request.hash("value"))
    return {} if found is None else printed_info(found, visible=request.visible)


@endpoint("gettransactioninfobyblocknum", solidity=True)
def gettransactioninfobyblocknum(request: Request) -> Answer:
    """A list, also an empty one; `{}` for the genesis block, as the servlet has it."""
    number = request.integer("num")
    if number <= 0:
        return {}
    found = request.view.block(number)
    return [] if found is None else [printed_info(each, visible=request.visible) for each in found.infos]


@endpoint("getpendingsize")
def getpendingsize(request: Request) -> Answer:
    return {"pendingSize": len(request.chain.pool)}


@endpoint("gettransactionlistfrompending")
def gettransactionlistfrompending(request: Request) -> Answer:
    return {"txId": [txid.hex() for txid in request.chain.pool]}


@endpoint("gettransactionfrompending")
def gettransactionfrompending(request: Request) -> Answer:
    pooled = request.chain.pool.get(request.hash("value"))
    return {} if pooled is None else printed_transaction(pooled.tx.message, visible=request.visible)
