"""Unsigned transactions, as a node offers them: CreateTransaction, TriggerSmartContract, DeployContract servlets.

A client that signs what it gets here trusts the node with every field: see devnet/tron/lies.py.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from devnet.tron import parsing, protocol
from devnet.tron.addresses import keccak256
from devnet.tron.errors import ContractValidateError
from devnet.tron.execution import validate
from devnet.tron.parsing import InvalidParameterError
from devnet.tron.printing import Json, printed_transaction
from devnet.tron.protocol import Message
from devnet.tron.state import State
from devnet.tron.transactions import Tx
from devnet.tron.wallet.registry import Answer, Request, endpoint

EXPIRATION_MS = 60_000  # trx.expiration.timeInMilliseconds


def unsigned(request: Request, kind: str, parameter: Message, *, fee_limit: int = 0) -> Message:
    """A transaction that refers to the newest solid block and lives for a minute."""
    view = request.view
    solid = view.block(view.solid_number)
    assert solid is not None  # noqa: S101  # it is not above the head
    made = protocol.Transaction()
    raw = made.raw_data
    raw.contract.append(protocol.pack(kind, parameter, permission_id=request.integer("Permission_id")))
    raw.ref_block_bytes, raw.ref_block_hash = solid.id[6:8], solid.id[8:16]
    raw.expiration = view.newest.time_ms + EXPIRATION_MS
    raw.timestamp = int(time.time() * 1000)
    raw.fee_limit = fee_limit
    extra = request.text("extra_data")
    if extra:
        raw.data = extra.encode() if request.visible else parsing.hex_bytes(extra)
    return made


def created(request: Request, message: Message) -> Json:
    """Util.printCreateTransaction."""
    return printed_transaction(message, visible=request.visible) | {"visible": request.visible}


def _system(kind: str) -> Callable[[Request], Answer]:
    def build(request: Request) -> Answer:
        parameter = parsing.merged(protocol.CONTRACTS[kind](), request.params, visible=request.visible)
        message = unsigned(request, kind, parameter)
        state = request.view.state if isinstance(request.view.state, State) else request.chain.state
        validate(state, Tx.of(message), request.view.head)
        return created(request, message)

    return build


for _path, _kind in {
    "createtransaction": "TransferContract",
    "createaccount": "AccountCreateContract",
    "freezebalancev2": "FreezeBalanceV2Contract",
    "unfreezebalancev2": "UnfreezeBalanceV2Contract",
    "withdrawexpireunfreeze": "WithdrawExpireUnfreezeContract",
    "cancelallunfreezev2": "CancelAllUnfreezeV2Contract",
    "delegateresource": "DelegateResourceContract",
    "undelegateresource": "UnDelegateResourceContract",
}.items():
    endpoint(_path)(_system(_kind))


def trigger_parameter(request: Request, *, data_alone: bool = False) -> Message:
    """The call that a request describes, by selector and parameter or by data (Util.parseMethod)."""
    if not request.text("owner_address"):
        raise InvalidParameterError("owner_address isn't set.")
    if not request.text("contract_address") and not (data_alone and request.text("data")):
        raise InvalidParameterError(
            "At least one of contract_address and data must be set." if data_alone else "contract_address isn't set."
        )
    kept = {key: value for key, value in request.params.items() if key != "data"}
    made = parsing.merged(protocol.CONTRACTS["TriggerSmartContract"](), kept, visible=request.visible)
    selector = request.text("function_selector")
    if selector:
        made.data = keccak256(selector.encode())[:4] + parsing.hex_bytes(request.text("parameter"))
    else:
        made.data = parsing.hex_bytes(request.text("data"))
    return made


def refused(error: Exception, *, visible: bool) -> Json:
    """The `result` of an answer that has one, for what went wrong."""
    if isinstance(error, ContractValidateError):
        code, text = "CONTRACT_VALIDATE_ERROR", str(error)
    else:
        code, text = "OTHER_ERROR", f"class {getattr(error, 'java', 'java.lang.Exception')} : {error}"
    return {"code": code, "message": text if visible else text.encode().hex()}


@endpoint("deploycontract")
def deploycontract(request: Request) -> Answer:
    create = protocol.CONTRACTS["CreateSmartContract"]()
    owner = parsing.address_bytes(request.params.get("owner_address", ""), visible=request.visible)
    create.owner_address = owner
    create.call_token_value, create.token_id = request.integer("call_token_value"), request.integer("token_id")
    sent = create.new_contract
    sent.origin_address = owner
    if request.text("abi"):
        parsing.merged(sent.abi, {"entrys": _abi(request.params["abi"])}, visible=request.visible)
    sent.call_value = request.integer("call_value")
    sent.consume_user_resource_percent = request.integer("consume_user_resource_percent")
    sent.origin_energy_limit = request.integer("origin_energy_limit")
    sent.bytecode = parsing.hex_bytes(request.text("bytecode") + request.text("parameter"))
    sent.name = request.text("name")
    if not 0 <= sent.consume_user_resource_percent <= 100:
        raise ContractValidateError("percent must be >= 0 and <= 100")
    return created(request, unsigned(request, "CreateSmartContract", create, fee_limit=request.integer("fee_limit")))


def _abi(given: object) -> object:
    """The list of entries, which clients send as JSON within a string."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError as error:
            raise parsing.ParseError(f"abi: {error}") from error
    return given.get("entrys", []) if isinstance(given, dict) else given
