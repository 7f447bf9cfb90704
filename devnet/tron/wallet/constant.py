"""Calls that change nothing: what a contract would answer, and what a call would cost."""

from __future__ import annotations

from devnet.tron import contracts, parsing
from devnet.tron.deployed import Deployed, is_constant
from devnet.tron.errors import ContractValidateError, Refused
from devnet.tron.machine import Done
from devnet.tron.printing import Json, printed, printed_transaction
from devnet.tron.protocol import Message
from devnet.tron.state import State
from devnet.tron.wallet.building import created, refused, trigger_parameter, unsigned
from devnet.tron.wallet.registry import Answer, Request, endpoint


def _state(request: Request) -> State:
    """One that may be written to; the caller rolls it back or throws it away."""
    return request.chain.state if request.view.pending else request.chain.at(request.view.number).writable()


def _try(request: Request) -> tuple[Done, Message]:
    """Runs the call on what the view shows, and takes every change back."""
    parameter = trigger_parameter(request, data_alone=True)
    kind = "TriggerSmartContract" if parameter.contract_address else "CreateSmartContract"
    message = unsigned(request, "TriggerSmartContract", parameter, fee_limit=request.integer("fee_limit"))
    state = _state(request)
    depth = state.begin()
    try:
        done = contracts.constant(
            state, parameter, request.chain.next_block(), request.view.head, creates=kind == "CreateSmartContract"
        )
    finally:
        state.rollback_to(depth)
    return done, message


@endpoint("triggerconstantcontract", solidity=True)
def triggerconstantcontract(request: Request) -> Answer:
    """Also the estimate of energy that everybody uses: `energy_used` has the penalty in it."""
    try:
        done, message = _try(request)
    except (Refused, parsing.ParseError) as error:
        return {"result": refused(error, visible=request.visible)}
    if done.error is not None and done.result != "REVERT":
        failed = contracts.RunFailure(done.result, done.error)
        return {"result": refused(failed, visible=request.visible)}
    result: Json = {"result": True}
    shown = printed_transaction(message, visible=request.visible)
    shown |= {"ret": [{}], "visible": request.visible}
    if done.error is not None:
        result["message"] = done.error if request.visible else done.error.encode().hex()
        shown["ret"] = [{"ret": "FAILED"}]
    answer: Json = {"result": result}
    if done.energy_used:
        answer["energy_used"] = done.energy_used
    answer["constant_result"] = [done.output.hex()]
    if done.energy_penalty:
        answer["energy_penalty"] = done.energy_penalty
    if done.logs:
        answer["logs"] = [printed(each, visible=request.visible) for each in done.logs]
    if done.internal_transactions:
        answer["internal_transactions"] = [
            printed(each, visible=request.visible) for each in done.internal_transactions
        ]
    return answer | {"transaction": shown}


@endpoint("triggersmartcontract")
def triggersmartcontract(request: Request) -> Answer:
    """An unsigned call; a function that the ABI calls view or pure is run at once instead (Wallet.triggerContract)."""
    try:
        parameter = trigger_parameter(request)
        found = request.view.state.get("contracts", bytes(parameter.contract_address[1:]))
        if not isinstance(found, Deployed):
            raise ContractValidateError("No contract or not a smart contract")
        if is_constant(found, bytes(parameter.data)):
            return triggerconstantcontract(request)
        message = unsigned(request, "TriggerSmartContract", parameter, fee_limit=request.integer("fee_limit"))
    except (Refused, parsing.ParseError) as error:
        return {"result": refused(error, visible=request.visible)}
    return {"result": {"result": True}, "transaction": created(request, message)}


@endpoint("estimateenergy", solidity=True)
def estimateenergy(request: Request) -> Answer:
    """What the call needs, to the unit; a real node searches for it and answers up to a few thousand more.

    For a call that reverts it says why, with `result` true and no figure: Wallet.estimateEnergy returns early.
    """
    try:
        done, _ = _try(request)
    except (Refused, parsing.ParseError) as error:
        return {"result": refused(error, visible=request.visible)}
    if done.result == "REVERT":
        text = done.error or ""
        return {"result": {"result": True, "message": text if request.visible else text.encode().hex()}}
    if done.error is not None:
        return {"result": refused(contracts.RunFailure(done.result, done.error), visible=request.visible)}
    return {"result": {"result": True}, "energy_required": done.energy_used}
