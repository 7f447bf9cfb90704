"""The control port: what tests and the demo make the node do. JSON in, JSON out; one function per path.

Nothing of this exists on a real network. Amounts are in sun and in the token's smallest units.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from devnet.tron import acting
from devnet.tron.addresses import base58_of, parsed
from devnet.tron.deployed import set_factor
from devnet.tron.errors import OWN_REASONS, Refused
from devnet.tron.faults import Fault
from devnet.tron.genesis import Actors, token_address
from devnet.tron.http import NODE, as_json, parameters
from devnet.tron.lies import LIES
from devnet.tron.node import Node
from devnet.tron.parameters import PARAMETERS, PROPERTIES

Given = dict[str, Any]
Command = Callable[[Node, Given], Any]
COMMANDS: dict[str, Command] = {}


def command(function: Command) -> Command:
    COMMANDS[function.__name__.rstrip("_")] = function
    return function


@command
def status(node: Node, given: Given) -> Any:
    """Where the chain stands, and its actors' keys."""
    chain = node.chain
    actors = Actors.of(chain.settings.seed)
    return {
        "name": chain.settings.name,
        "genesis_id": chain.genesis_id.hex(),
        "height": chain.head.number,
        "head_id": chain.head.id.hex(),
        "head_time_ms": chain.head.time_ms,
        "solid": chain.solid_number,
        "pool": [txid.hex() for txid in chain.pool],
        "paused": node.paused,
        "block_ms": chain.settings.block_ms,
        "token": base58_of(token_address(chain.settings.seed)),
        "faucet": {"address": base58_of(actors.faucet.address), "key": actors.faucet.secret.hex()},
        "token_owner": {"address": base58_of(actors.token_owner.address), "key": actors.token_owner.secret.hex()},
    }


@command
def reset(node: Node, given: Given) -> Any:
    """A fresh chain; `name`, `solid_lag`, `block_ms`, `remembers_ids` may be other ones."""
    node.reset(**given)
    return status(node, {})


@command
def mine(node: Node, given: Given) -> Any:
    """`blocks` blocks, each `seconds` after the last; without `seconds` they bear the time of the clock."""
    mined = [node.chain.mine(seconds=given.get("seconds")) for _ in range(int(given.get("blocks", 1)))]
    return {"height": node.chain.head.number, "ids": [each.id.hex() for each in mined[-100:]]}


@command
def pause(node: Node, given: Given) -> Any:
    """No blocks but those that `mine` makes."""
    node.paused = True
    return {}


@command
def resume(node: Node, given: Given) -> Any:
    """Blocks come by themselves again."""
    node.paused = False
    return {}


@command
def travel(node: Node, given: Given) -> Any:
    """Sets the chain's clock `seconds` ahead."""
    node.chain.travel(round(float(given["seconds"]) * 1000))
    return {"now_ms": node.chain.now_ms()}


def _mined_too(node: Node, given: Given, txids: list[bytes]) -> Any:
    """A gift is in a block when the answer comes, unless `mine` is false."""
    if given.get("mine", True):
        node.chain.mine()
    return {"txids": [txid.hex() for txid in txids], "height": node.chain.head.number}


@command
def fund(node: Node, given: Given) -> Any:
    """TRX of the faucet for `address`, `amount` in sun."""
    txid = acting.give_trx(node.chain, parsed(given["address"]), int(given["amount"]))
    return _mined_too(node, given, [txid])


@command
def mint(node: Node, given: Given) -> Any:
    """New tokens for `address`, `amount` in the smallest unit."""
    return _mined_too(node, given, list(acting.mint(node.chain, parsed(given["address"]), int(given["amount"]))))


@command
def owner_call(node: Node, given: Given) -> Any:
    """Any function of the token by its owner: `signature`, `values` (numbers, truths, addresses)."""
    values = [parsed(each) if isinstance(each, str) else each for each in given.get("values", ())]
    return _mined_too(node, given, [acting.call_token(node.chain, given["signature"], *values)])


@command
def blacklist(node: Node, given: Given) -> Any:
    """The token's owner blacklists `address`; with `off` takes it off the list again."""
    name = "removeBlackList(address)" if given.get("off") else "addBlackList(address)"
    return _mined_too(node, given, [acting.call_token(node.chain, name, parsed(given["address"]))])


@command
def pause_token(node: Node, given: Given) -> Any:
    """The token's owner pauses it; with `off` lets it go on."""
    name = "unpause()" if given.get("off") else "pause()"
    return _mined_too(node, given, [acting.call_token(node.chain, name)])


@command
def token_fee(node: Node, given: Given) -> Any:
    """The token's own fee on transfers: `basis_points` of the amount, at most `maximum` of the smallest unit."""
    values = int(given["basis_points"]), int(given["maximum"])
    return _mined_too(node, given, [acting.call_token(node.chain, "setParams(uint256,uint256)", *values)])


@command
def parameters_(node: Node, given: Given) -> Any:
    """Sets chain parameters by their names in getchainparameters, or total weights by theirs."""
    changes = {}
    for name, value in given.items():
        if name not in PARAMETERS and name not in PROPERTIES:
            raise ValueError(f"no parameter {name}")
        changes["parameters" if name in PARAMETERS else "properties", name] = int(value)
    node.chain.amend(changes)
    return {}


@command
def energy_factor(node: Node, given: Given) -> Any:
    """A contract's dynamic energy factor: what comes on top of 1, in ten thousandths (34,000: 4.4 times)."""
    address = parsed(given["contract"])
    node.chain.amend({("contract_states", address): set_factor(node.chain.state, address, int(given["factor"]))})
    return {}


@command
def fault(node: Node, given: Given) -> Any:
    """Adds a fault: see devnet/tron/faults.py."""
    node.faults.add(Fault.of(given))
    return {}


@command
def clear_faults(node: Node, given: Given) -> Any:
    """Ends the faults of `path`, or all."""
    node.faults.clear(given.get("path"))
    return {}


@command
def busy(node: Node, given: Given) -> Any:
    """Broadcasts are refused with `code` (SERVER_BUSY by default), `count` of them or until `off`."""
    code = given.get("code", "SERVER_BUSY")
    if code not in OWN_REASONS:
        raise ValueError(f"code: one of {', '.join(OWN_REASONS)}")
    node.chain.busy = None if given.get("off") else (code, given.get("message", OWN_REASONS[code]))
    node.chain.busy_count = given.get("count")
    return {}


@command
def automine(node: Node, given: Given) -> Any:
    """Each transaction gets a block of its own at once, until `off`."""
    node.chain.automine = not given.get("off")
    return {}


@command
def lies(node: Node, given: Given) -> Any:
    """What the node could be told to say, what it says now, and how often it said each."""
    known = {
        name: {"about": (each.tell.__doc__ or "").strip(), "paths": sorted(each.paths)} for name, each in LIES.items()
    }
    return {"lies": known, "told": sorted(node.liar.told), "times": dict(node.liar.times)}


@command
def lie(node: Node, given: Given) -> Any:
    """Switches the lies `names` (or `name`) on, with `seed`, or `off`; `off` without names ends them all."""
    names = given.get("names") or ([given["name"]] if "name" in given else list(node.liar.told))
    for name in names:
        node.liar.switch(name, on=not given.get("off"), seed=int(given.get("seed", 0)))
    return {"told": sorted(node.liar.told)}


@command
def behave(node: Node, given: Given) -> Any:
    """Ends every misbehaviour: faults, lies, refusals, holding, hiding, standing still. The chain stays as it is."""
    for end in (clear_faults, lie, busy, hold, hide_receipts, stick, automine):
        end(node, {"off": True})
    return {}


@command
def help_(node: Node, given: Given) -> Any:
    """Every command and what it does."""
    return {name: " ".join((each.__doc__ or "").split()) for name, each in sorted(COMMANDS.items())}


@command
def reorg(node: Node, given: Given) -> Any:
    """Replaces the newest `depth` blocks; `then`: pool, drop or shuffle their transactions."""
    kept = {name: given[name] for name in ("then", "blocks", "seed") if name in given}
    txids = node.chain.reorg(int(given["depth"]), **kept)
    return {"txids": [txid.hex() for txid in txids], "height": node.chain.head.number}


@command
def drop_pool(node: Node, given: Given) -> Any:
    """Forgets waiting transactions without a trace, as a node does with expired ones: `txids`, or all."""
    chosen = [bytes.fromhex(each) for each in given["txids"]] if "txids" in given else None
    return {"txids": [txid.hex() for txid in node.chain.drop_from_pool(chosen)]}


@command
def hold(node: Node, given: Given) -> Any:
    """Transactions are taken, but no block gets them: all of them, or `txids`; `off` ends it."""
    if "txids" in given:
        chosen = {bytes.fromhex(each) for each in given["txids"]}
        node.chain.held = node.chain.held - chosen if given.get("off") else node.chain.held | chosen
    else:
        node.chain.holding = not given.get("off")
        if given.get("off"):
            node.chain.held.clear()
    return {}


@command
def hide_receipts(node: Node, given: Given) -> Any:
    """gettransactioninfo* lack `txids` or whole `blocks`; `off` shows everything again."""
    if given.get("off"):
        node.hidden.txids.clear()
        node.hidden.blocks.clear()
    node.hidden.txids |= set(given.get("txids", ()))
    node.hidden.blocks |= {int(each) for each in given.get("blocks", ())}
    return {}


@command
def stick(node: Node, given: Given) -> Any:
    """Answers stay at a height (`height`, the head by default) while blocks go on; `off` ends it."""
    node.stuck_at = None if given.get("off") else int(given.get("height", node.chain.head.number))
    return {"height": node.stuck_at}


async def handle(request: web.Request) -> web.Response:
    name = request.path.strip("/")
    if name not in COMMANDS:
        return as_json({"error": f"no command {name}", "commands": sorted(COMMANDS)}, 404)
    try:
        return as_json(COMMANDS[name](request.app[NODE], await parameters(request)))
    except Refused as error:
        return as_json({"error": f"{error.code}: {error}"}, 400)
    except (KeyError, TypeError, ValueError) as error:
        return as_json({"error": f"{type(error).__name__}: {error}"}, 400)


def application(node: Node) -> web.Application:
    app = web.Application()
    app[NODE] = node
    app.router.add_route("*", "/{path:.*}", handle)
    return app
