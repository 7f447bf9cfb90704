"""TronGrid's own API, /v1: lists of token transfers and contract events, with its paging.

The real one loses rows now and then and must never be the source of truth. Shapes as documented at
developers.tron.network (reference: get-contract-transaction-info-by-account-address, get-events-by-contract-address).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from devnet.tron import contracts, protocol
from devnet.tron.accounts import account
from devnet.tron.addresses import base58_of, keccak256, on_wire, parsed
from devnet.tron.deployed import Deployed
from devnet.tron.errors import Refused
from devnet.tron.printing import Json, printed
from devnet.tron.protocol import Message
from devnet.tron.store import Mined
from devnet.tron.views import View
from devnet.tron.wallet.accounts import account_message

TRANSFER = keccak256(b"Transfer(address,address,uint256)")
DEFAULT_LIMIT, MOST = 20, 200

Answer = Json


@dataclass(frozen=True)
class Event:
    """One log and where it lies."""

    mined: Mined
    txid: bytes
    position: int  # of the transaction in its block
    index: int  # of the log in its transaction
    log: Message

    @property
    def key(self) -> tuple[int, int, int]:
        return (self.mined.number, self.position, self.index)


@dataclass(frozen=True)
class Grid:
    """Answers /v1 for what `view` shows; `solid` is how far it is confirmed. `url` is how the client calls us."""

    view: View
    url: str
    params: dict[str, Any]

    def flag(self, name: str) -> bool:
        return str(self.params.get(name, "")).lower() == "true"

    def number(self, name: str) -> int | None:
        value = self.params.get(name)
        return int(value) if value not in {None, ""} else None

    # --- what there is

    def events(self) -> Iterator[Event]:
        """Every log that the filters for time and confirmation let through, in the order that is asked for."""
        ascending = str(self.params.get("order_by", "")).endswith(",asc")
        for number in self.view.chain.store.busy_numbers(ascending=ascending):
            mined = self.view.block(number)
            if mined is None or not self._in_time(mined):
                continue
            found = list(_events_of(mined))
            yield from found if ascending else reversed(found)

    def _in_time(self, mined: Mined) -> bool:
        confirmed = mined.number <= self.view.solid_number
        if (self.flag("only_confirmed") and not confirmed) or (self.flag("only_unconfirmed") and confirmed):
            return False
        earliest = self.number("min_timestamp") or self.number("min_block_timestamp") or 0
        latest = self.number("max_timestamp") or self.number("max_block_timestamp")
        return earliest <= mined.time_ms and (latest is None or mined.time_ms <= latest)

    # --- paging

    def page(self, wanted: Iterator[Event], show: Callable[[Event], Json]) -> Answer:
        """`limit` rows, and a fingerprint to go on from where there are more."""
        limit = min(self.number("limit") or DEFAULT_LIMIT, MOST)
        after = _from_fingerprint(str(self.params.get("fingerprint", "")))
        passed = after is None
        rows: list[Event] = []
        for event in wanted:
            if not passed:
                passed = event.key == after
            elif len(rows) <= limit:
                rows.append(event)
            else:
                break
        meta: Json = {"at": int(time.time() * 1000), "page_size": min(limit, len(rows))}
        if len(rows) > limit:
            meta["fingerprint"] = ".".join(str(part) for part in rows[limit - 1].key)
            query = {**self.params, "fingerprint": meta["fingerprint"]}
            meta["links"] = {"next": self.url + "?" + "&".join(f"{name}={value}" for name, value in query.items())}
        return {"data": [show(event) for event in rows[:limit]], "success": True, "meta": meta}

    # --- the endpoints

    def token_transfers(self, address: bytes) -> Answer:
        """/v1/accounts/{address}/transactions/trc20."""
        contract = self.params.get("contract_address")
        wanted = parsed(contract) if contract else None

        def concerns(event: Event) -> bool:
            topics = event.log.topics
            if len(topics) != 3 or topics[0] != TRANSFER or (wanted and bytes(event.log.address) != wanted):
                return False
            sent, got = topics[1][-20:] == address, topics[2][-20:] == address
            if self.flag("only_to"):
                return got
            return sent if self.flag("only_from") else sent or got

        return self.page(filter(concerns, self.events()), self._as_transfer)

    def _as_transfer(self, event: Event) -> Json:
        topics = event.log.topics
        return {
            "transaction_id": event.txid.hex(),
            "token_info": self._token(bytes(event.log.address)),
            "block_timestamp": event.mined.time_ms,
            "from": base58_of(topics[1][-20:]),
            "to": base58_of(topics[2][-20:]),
            "type": "Transfer",
            "value": str(int.from_bytes(event.log.data)),
        }

    def _token(self, address: bytes) -> Json:
        name, symbol = (_text(self._asked(address, f"{each}()")) for each in ("name", "symbol"))
        decimals = int.from_bytes(self._asked(address, "decimals()")[:32])
        return {"symbol": symbol, "address": base58_of(address), "decimals": decimals, "name": name}

    def _asked(self, contract: bytes, signature: str, *words: bytes) -> bytes:
        """What a constant call gives, nothing where it fails."""
        chain = self.view.chain
        call = protocol.CONTRACTS["TriggerSmartContract"](
            owner_address=on_wire(contract),
            contract_address=on_wire(contract),
            data=keccak256(signature.encode())[:4] + b"".join(word.rjust(32, b"\0") for word in words),
        )
        depth = chain.state.begin()
        try:
            done = contracts.constant(chain.state, call, chain.next_block(), chain.head_facts(), creates=False)
        except Refused:
            return b""
        finally:
            chain.state.rollback_to(depth)
        return done.output if done.error is None else b""

    def contract_events(self, address: bytes) -> Answer:
        """/v1/contracts/{address}/events."""
        name, number = self.params.get("event_name"), self.number("block_number")

        def concerns(event: Event) -> bool:
            if bytes(event.log.address) != address or (number is not None and event.mined.number != number):
                return False
            return not name or self._as_event(event)["event_name"] == name

        return self.page(filter(concerns, self.events()), self._as_event)

    def transaction_events(self, txid: bytes) -> Answer:
        """/v1/transactions/{id}/events."""
        return self.page((event for event in self.events() if event.txid == txid), self._as_event)

    def _as_event(self, event: Event) -> Json:
        address = bytes(event.log.address)
        shown: Json = {
            "block_number": event.mined.number,
            "block_timestamp": event.mined.time_ms,
            "caller_contract_address": base58_of(address),
            "contract_address": base58_of(address),
            "event_index": event.index,
            "event_name": "",
            "result": {},
            "result_type": {},
            "event": "",
            "transaction_id": event.txid.hex(),
        }
        if event.mined.number > self.view.solid_number:
            shown["_unconfirmed"] = True
        found = self.view.state.get("contracts", address)
        if isinstance(found, Deployed) and (entry := _entry_for(found, event.log)) is not None:
            shown |= _decoded(entry, event.log)
        return shown

    def one_account(self, address: bytes) -> Answer:
        """/v1/accounts/{address}: nothing for one that was never activated."""
        view = self.view
        state = view.chain.at(view.solid_number) if self.flag("only_confirmed") else view.state
        found = account(state, address)
        data = []
        if found is not None:
            shown = printed(account_message(address, found, view.head.slot))
            data.append(shown | {"trc20": self._tokens_of(address)})
        return {"data": data, "success": True, "meta": {"at": int(time.time() * 1000), "page_size": len(data)}}

    def _tokens_of(self, address: bytes) -> list[Json]:
        rows = []
        for contract in self.view.keys("contracts"):
            balance = int.from_bytes(self._asked(contract, "balanceOf(address)", address)[:32])
            if balance:
                rows.append({base58_of(contract): str(balance)})
        return rows


def _events_of(mined: Mined) -> Iterator[Event]:
    for position, info in enumerate(mined.infos):
        for index, log in enumerate(info.log):
            yield Event(mined, bytes(info.id), position, index, log)


def _from_fingerprint(text: str) -> tuple[int, ...] | None:
    return tuple(int(part) for part in text.split(".")) if text else None


def _text(output: bytes) -> str:
    """An ABI string."""
    if len(output) < 64:
        return ""
    size = int.from_bytes(output[32:64])
    return output[64 : 64 + size].decode(errors="replace")


def _entry_for(found: Deployed, log: Message) -> Message | None:
    """The ABI's event that made a log."""
    if not log.topics:
        return None
    for entry in protocol.SmartContract.FromString(found.message).abi.entrys:
        if entry.type == 3 and keccak256(_signature(entry).encode()) == log.topics[0]:
            return entry
    return None


def _signature(entry: Message) -> str:
    return f"{entry.name}({','.join(each.type for each in entry.inputs)})"


def _decoded(entry: Message, log: Message) -> Json:
    """Names, values and types: by position and by name, addresses in hex, numbers in decimal."""
    topics, data = list(log.topics[1:]), bytes(log.data)
    result: Json = {}
    for index, each in enumerate(entry.inputs):
        if each.indexed:
            value = _value(each.type, topics.pop(0))
        else:
            value, data = _value(each.type, data[:32]), data[32:]
        result[str(index)] = value
        result[each.name or str(index)] = value
    shown = ", ".join(f"{each.type} {'indexed ' if each.indexed else ''}{each.name}" for each in entry.inputs)
    return {
        "event_name": entry.name,
        "event": f"{entry.name}({shown})",
        "result": result,
        "result_type": {each.name: each.type for each in entry.inputs},
    }


def _value(kind: str, word: bytes) -> str:
    if kind == "address":
        return "0x" + word[-20:].hex()
    if kind.startswith("uint"):
        return str(int.from_bytes(word))
    if kind == "bool":
        return "true" if int.from_bytes(word) else "false"
    return word.hex()


def answer(view: View, path: str, url: str, params: dict[str, Any]) -> Answer | None:
    """What TronGrid answers for a path below /v1, or None where it has none."""
    grid = Grid(view, url, params)
    try:
        match path.strip("/").split("/"):
            case ["accounts", address, "transactions", "trc20"]:
                return grid.token_transfers(parsed(address))
            case ["accounts", address]:
                return grid.one_account(parsed(address))
            case ["contracts", address, "events"]:
                return grid.contract_events(parsed(address))
            case ["transactions", txid, "events"]:
                return grid.transaction_events(bytes.fromhex(txid))
    except ValueError as error:
        return {"success": False, "error": f"{error}", "statusCode": 400}
    return None
