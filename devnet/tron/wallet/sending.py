"""Taking signed transactions: Broadcast*Servlet.java, GetTransactionSignWeightServlet.java."""

from __future__ import annotations

import json

from devnet.tron import parsing, protocol
from devnet.tron.accounts import account
from devnet.tron.addresses import BadSignature, base58_of, on_wire, signer_of
from devnet.tron.errors import Refused
from devnet.tron.printing import Json, as_address, as_hex, printed, printed_transaction
from devnet.tron.protocol import Message
from devnet.tron.transactions import Tx
from devnet.tron.wallet.accounts import active_permission, owner_permission
from devnet.tron.wallet.registry import Answer, Request, endpoint


def _broadcast(request: Request, message: Message) -> tuple[str, str, str]:
    """Code, text and transaction id."""
    txid = Tx.of(message).txid.hex()
    busy = request.chain.is_busy()
    if busy is not None:
        return *busy, txid
    try:
        request.chain.broadcast(message)
    except Refused as refused:
        return refused.code, refused.answer, txid
    return "SUCCESS", "", txid


@endpoint("broadcasttransaction")
def broadcasttransaction(request: Request) -> Answer:
    """The message is hex, unless `visible`: JsonFormat's way with bytes."""
    message = parsing.transaction(request.params, visible=request.visible)
    code, text, txid = _broadcast(request, message)
    if code == "SUCCESS":
        return {"result": True, "txid": txid}
    return {"code": code, "txid": txid, "message": text if request.visible else text.encode().hex()}


@endpoint("broadcasthex")
def broadcasthex(request: Request) -> Answer:
    """The message is plain text here, and the transaction comes back as JSON within a string."""
    try:
        message = protocol.Transaction.FromString(request.hash("transaction"))
    except parsing.ParseError:
        raise
    except Exception as error:  # google's DecodeError has no public base of its own
        raise InvalidProtocolBufferError("Protocol message contained an invalid tag (zero).") from error
    shown = json.dumps(printed(message, visible=True))
    code, text, txid = _broadcast(request, message)
    return {"result": code == "SUCCESS", "code": code, "message": text, "transaction": shown, "txid": txid}


class InvalidProtocolBufferError(parsing.ParseError):
    java = "com.google.protobuf.InvalidProtocolBufferException"


@endpoint("getsignweight")
def getsignweight(request: Request) -> Answer:
    """Who has signed, and whether that is enough (Wallet.getTransactionSignWeight). tronpy takes its txID from here."""
    message = parsing.transaction(request.params, visible=request.visible)
    tx = Tx.of(message)
    shown: Json = {
        "result": {},
        "transaction": {
            "result": {"result": True},
            "txid": tx.txid.hex(),
            "transaction": printed_transaction(message, visible=request.visible),
        },
    }
    if not len(message.raw_data.contract) or account(request.view.state, tx.owner) is None:
        shown["result"] = {"code": "PERMISSION_ERROR", "message": "Account does not exist!"}
        return shown
    number = message.raw_data.contract[0].Permission_id
    if number not in {0, 2}:
        shown["result"] = {"code": "PERMISSION_ERROR", "message": "Permission for this, does not exist!"}
        return shown
    permission = owner_permission(tx.owner) if number == 0 else active_permission(tx.owner)
    shown["permission"] = printed(permission, visible=request.visible)
    shown["result"] = _weight(shown, tx, message, visible=request.visible)
    return shown


def _weight(shown: Json, tx: Tx, message: Message, *, visible: bool) -> Json:
    """Fills in who approved; returns the result."""
    approved = []
    for signature in message.signature:
        if len(signature) < 65:
            return {"code": "SIGNATURE_FORMAT_ERROR", "message": f"Signature size is {len(signature)}"}
        try:
            signer = signer_of(tx.txid, signature)
        except BadSignature as error:
            return {"code": "COMPUTE_ADDRESS_ERROR", "message": str(error)}
        if signer != tx.owner:
            text = f"{tx.txid.hex()} is signed by {base58_of(signer)} but it is not contained of permission."
            return {"code": "PERMISSION_ERROR", "message": text}
        approved.append(on_wire(signer))
    if not approved:
        return {"code": "NOT_ENOUGH_PERMISSION"}
    shown["approved_list"] = [as_address(each) if visible else as_hex(each) for each in approved]
    shown["current_weight"] = len(approved)
    return {}
