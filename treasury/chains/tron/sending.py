"""Sending on TRON, and learning what became of it.

A transaction here is unique by nothing but its id. So the same bytes may be sent any number of times, and other bytes
for the same payment only once these are dead: expired by a solid block's time, and not in the solid chain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from treasury.chains import errors
from treasury.chains.network import Network
from treasury.chains.opinions import AsksAll
from treasury.chains.ports import BlockRef, Receipt, SendOutcome, SendVerdict, TransferCost
from treasury.chains.tron import answers as read
from treasury.chains.tron.client import HEAD, SOLID, TronClient
from treasury.chains.tron.infos import receipt_of
from treasury.chains.tron.token import Token
from treasury.chains.tron.transactions import transaction_hash

# api.ReturnResponse.response_code (tronprotocol/protocol, api/api.proto) to what it means for the bytes.
_CODES: dict[str, tuple[SendVerdict, type[errors.ChainError]]] = {
    "DUP_TRANSACTION_ERROR": (SendVerdict.ALREADY_KNOWN, errors.Rejected),
    "SERVER_BUSY": (SendVerdict.NOT_SENT, errors.RateLimited),
    "NO_CONNECTION": (SendVerdict.NOT_SENT, errors.EndpointUnavailable),
    "NOT_ENOUGH_EFFECTIVE_CONNECTION": (SendVerdict.NOT_SENT, errors.EndpointUnavailable),
    "BLOCK_UNSOLIDIFIED": (SendVerdict.NOT_SENT, errors.EndpointUnavailable),
    "BANDWITH_ERROR": (SendVerdict.INSUFFICIENT_FUNDS, errors.InsufficientFunds),
    # They may be mined elsewhere, or by this node's next block: only time proves them dead, never these words.
    "TAPOS_ERROR": (SendVerdict.REJECTED, errors.Rejected),
    "TRANSACTION_EXPIRATION_ERROR": (SendVerdict.REJECTED, errors.Rejected),
    "CONTRACT_VALIDATE_ERROR": (SendVerdict.REJECTED, errors.Rejected),
    "CONTRACT_EXE_ERROR": (SendVerdict.REJECTED, errors.Rejected),
    "TOO_BIG_TRANSACTION_ERROR": (SendVerdict.REJECTED, errors.Rejected),
    "SIGERROR": (SendVerdict.REJECTED, errors.Rejected),
}
_INSUFFICIENT = re.compile(
    r"balance is not sufficient|not enough|insufficient|no OwnerAccount|account .*not exist", re.IGNORECASE
)
RESULT_BYTES = 64
"""Room for a result that counts as bandwidth (java-tron: Constant.MAX_RESULT_SIZE_IN_TX)."""

_TRANSFER_BYTES = 345
"""Bandwidth of a USDT transfer with its signature and its result; see the chain's own receipts."""

BUSY_TRIES = 3


class TronSending(AsksAll[TronClient]):
    """The PaymentSender half of the adapter (see ports.py for what each method promises)."""

    network: Network
    _token: Token
    _workers: ThreadPoolExecutor
    _senders: ThreadPoolExecutor  # of their own, or payments would stand in line behind questions
    _finalized_of: Callable[[TronClient], BlockRef]
    _contract_digits: str  # the token's address in logs: 40 hex digits

    # --- before ---

    def reference_block(self) -> BlockRef:
        return self._pool.read(self._finalized_of)

    def transfer_cost(self, sender: str, amount_raw: int, recipient: str = "") -> TransferCost:
        def ask(client: TronClient) -> TransferCost:
            prices = _prices(client)
            energy = self._token.transfer_energy(client, sender, amount_raw, recipient)
            return TransferCost(
                energy=energy,
                energy_price_sun=prices["getEnergyFee"],
                bandwidth_sun=prices["getTransactionFee"] * _TRANSFER_BYTES,
            )

        cost = self._pool.read(ask)
        if cost.energy_price_sun > self.network.energy_price_sun_max:
            raise errors.FeesTooHigh(
                f"energy costs {cost.energy_price_sun} sun, the settings allow {self.network.energy_price_sun_max}",
                network=self.network.code,
            )
        return cost

    def energy_left(self, address: str) -> int:
        def ask(client: TronClient) -> int:
            given = client.mapping(f"{HEAD}getaccountresource", address=address, visible=True)
            limit, used = (read.integer(given.get(key), key) for key in ("EnergyLimit", "EnergyUsed"))
            return max(0, limit - used)

        return self._pool.read(ask)

    def token_warnings(self, address: str) -> tuple[str, ...]:
        return self._pool.read(lambda client: self._token.warnings(client, address))

    def transfer_fee_raw(self, amount_raw: int) -> int:
        return self._pool.read(lambda client: self._token.fee_of(client, amount_raw))

    # --- sending ---

    def send_raw(self, signed: bytes) -> SendOutcome:
        (outcome,) = self.send_raw_many([signed])
        return outcome

    def send_raw_many(self, signed: Sequence[bytes]) -> list[SendOutcome]:
        """Several at once: their order means nothing here."""
        return list(self._senders.map(self._send, signed))

    def _send(self, signed: bytes) -> SendOutcome:
        tx_hash = transaction_hash(signed)
        not_sent: errors.ChainError | None = None
        for endpoint in self._pool.for_sending():
            try:
                self._pool.ensure_chain(endpoint)  # apart from the send: before anything leaves
                answer = self._pool.attempt(endpoint, partial(_broadcast, signed=signed))
            except errors.UnknownOutcome as error:
                return SendOutcome(tx_hash, SendVerdict.UNKNOWN, error)
            except errors.ChainError as error:
                not_sent = error  # it did not leave, or was not even tried: the check of the chain failed
                continue
            outcome = self._read_outcome(tx_hash, answer)
            if outcome.verdict is not SendVerdict.NOT_SENT:
                return outcome
            not_sent = outcome.error
        return SendOutcome(tx_hash, SendVerdict.NOT_SENT, not_sent or self._pool.nobody())

    def _read_outcome(self, tx_hash: str, answer: Any) -> SendOutcome:
        given = read.mapping(answer, "broadcast")
        named = given.get("txid")
        if isinstance(named, str) and named.lower() != tx_hash:
            strange = errors.UnknownOutcome("the node names another transaction", network=self.network.code)
            return SendOutcome(tx_hash, SendVerdict.UNKNOWN, strange)
        code, said = str(given.get("code", "")), _text(given.get("message"))
        if given.get("result") is True and code in ("", "SUCCESS"):
            return SendOutcome(tx_hash, SendVerdict.ACCEPTED)
        verdict, kind = _CODES.get(code, (SendVerdict.UNKNOWN, errors.UnknownOutcome))
        if code in ("CONTRACT_VALIDATE_ERROR", "CONTRACT_EXE_ERROR") and _INSUFFICIENT.search(said):
            verdict, kind = SendVerdict.INSUFFICIENT_FUNDS, errors.InsufficientFunds
        error = kind(f"{code}: {said}"[:300], network=self.network.code)
        return SendOutcome(tx_hash, verdict, None if verdict is SendVerdict.ALREADY_KNOWN else error)

    # --- after ---

    def receipt(self, tx_hash: str) -> Receipt | None:
        return self.receipts([tx_hash])[0]

    def receipts(self, tx_hashes: Sequence[str]) -> list[Receipt | None]:
        return self._pool.read(lambda client: self._receipts_of(client, tx_hashes))

    def _receipts_of(self, client: TronClient, tx_hashes: Sequence[str]) -> list[Receipt | None]:
        """From the solid chain; for those that are not there yet from the head."""
        if not tx_hashes:
            return []
        solid = read.block_ref(client.ask(f"{SOLID}getblock", detail=False))
        solid_number = solid.number if solid is not None else 0
        infos = list(self._workers.map(partial(_info, client, solid_number=solid_number), tx_hashes))
        numbers = sorted({read.integer(info.get("blockNumber"), "block number") for info in infos if info})
        found = self._workers.map(partial(self._block_of, client), numbers)
        blocks = dict(zip(numbers, found, strict=True))
        return [self._read_receipt(info, blocks) for info in infos]

    def _read_receipt(self, info: dict[str, Any] | None, blocks: Mapping[int, BlockRef | None]) -> Receipt | None:
        if not info:
            return None
        block = blocks[read.integer(info.get("blockNumber"), "block number")]
        if block is None:
            raise errors.MalformedAnswer("a receipt of a block that the node does not have")
        return receipt_of(info, block, self._contract_digits, self.network.token_contract)

    def dead(self, expirations_ms: Mapping[str, int]) -> frozenset[str]:
        if not expirations_ms:
            return frozenset()
        endpoints = [each for each in self._pool.endpoints if not each.refused]
        found: frozenset[str] | None = None
        for endpoint in endpoints:
            try:
                told = self._pool.attempt(endpoint, lambda client: self._dead_of(client, expirations_ms))
            except errors.ChainError:
                return frozenset()  # it might know better: the proof waits for it
            found = told if found is None else found & told
        return found or frozenset()

    def _dead_of(self, client: TronClient, expirations_ms: Mapping[str, int]) -> frozenset[str]:
        self._finalized_of(client)  # the node's own chain makes sense
        solid = client.ask(f"{SOLID}getblock", detail=False)
        read.block_ref(solid)
        time_ms = read.timestamp_ms(solid)
        expired = [tx_hash for tx_hash, at_ms in expirations_ms.items() if at_ms < time_ms]
        known = self._workers.map(partial(_is_known, client), expired)
        return frozenset(tx_hash for tx_hash, is_known in zip(expired, known, strict=True) if not is_known)

    def native_balance(self, address: str) -> int:
        def ask(client: TronClient) -> int:
            account = client.mapping(f"{HEAD}getaccount", address=address, visible=True)
            if account and read.address(account.get("address"), "account") != address:
                raise errors.MalformedAnswer("the node answers for another account")
            return read.integer(account.get("balance"), "balance")

        return self._pool.read(ask)

    def token_balance(self, address: str) -> int:
        return self._pool.read(lambda client: self._token.balance(client, address))

    def is_blocked(self, address: str) -> bool:
        return self._pool.read(lambda client: self._token.is_blocked(client, address))


def _broadcast(client: TronClient, *, signed: bytes) -> Any:
    """One attempt. SERVER_BUSY is tried again by the sender's next run, as is all that did not arrive."""
    return client.send(f"{HEAD}broadcasthex", transaction=signed.hex())


def _info(client: TronClient, tx_hash: str, *, solid_number: int) -> dict[str, Any] | None:
    """The transaction's receipt, None if it has none. A solid one counts only once the solid chain shows it."""
    for side in (SOLID, HEAD):
        info = client.mapping(f"{side}gettransactioninfobyid", value=tx_hash)
        if not info:
            continue
        if read.hash32(info.get("id"), "transaction id") != tx_hash:
            raise errors.MalformedAnswer(f"asked for the receipt of {tx_hash}, got another")
        number = read.integer(info.get("blockNumber"), "block number")
        if side == SOLID and number > solid_number:
            continue  # the head's view: it became solid since we asked, or the node is of two minds
        if side == HEAD and number <= solid_number:
            return None  # its two sides contradict each other: not an answer yet
        return info
    return None


def _is_known(client: TronClient, tx_hash: str) -> bool:
    """Whether the solid chain has the transaction in any form."""
    return bool(
        client.mapping(f"{SOLID}gettransactioninfobyid", value=tx_hash)
        or client.mapping(f"{SOLID}gettransactionbyid", value=tx_hash)
    )


def _prices(client: TronClient) -> dict[str, int]:
    """The chain's parameters by key. Raises MalformedAnswer without the two prices."""
    given = read.sequence(client.mapping(f"{HEAD}getchainparameters").get("chainParameter"), "chain parameters")
    found = {
        str(each.get("key")): read.integer(each.get("value"), str(each.get("key")))
        for each in given
        if isinstance(each, dict) and each.get("key") in ("getEnergyFee", "getTransactionFee")
    }
    if not all(found.get(key) for key in ("getEnergyFee", "getTransactionFee")):
        raise errors.MalformedAnswer("the node names no price of energy or bandwidth")
    return found


def _text(message: Any) -> str:
    """The node's words, which come in hex."""
    try:
        return bytes.fromhex(str(message or "")).decode(errors="replace")
    except ValueError:
        return str(message)
