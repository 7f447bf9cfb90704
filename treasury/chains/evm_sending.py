"""Sending on an EVM network, and learning what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from treasury.chains import errors, fees
from treasury.chains import rpc_values as read
from treasury.chains.endpoints import ask_many, ask_one, typed
from treasury.chains.logs import token_transfers
from treasury.chains.network import Network
from treasury.chains.opinions import AsksAll
from treasury.chains.payloads import transaction_hash
from treasury.chains.ports import (
    BlockRef,
    BlockTag,
    CallRequest,
    Fees,
    Receipt,
    SendOutcome,
    SendVerdict,
    TransactionInfo,
)
from treasury.chains.rpc import Call, Refused, RpcClient
from treasury.chains.rpc_errors import verdict_of_send
from treasury.chains.signed import bytes_of
from treasury.chains.token import TokenReader


class EvmSending(AsksAll[RpcClient]):
    """The PaymentSender half of the adapter (see ports.py for what each method promises)."""

    network: Network
    _token: TokenReader
    _finalized_of: Callable[[RpcClient], BlockRef]

    # --- before ---

    def suggest_fees(self) -> Fees:
        def ask(client: RpcClient) -> Fees:
            latest = Call("eth_getBlockByNumber", ("latest", False))
            block, tip = client.batch([latest, Call("eth_maxPriorityFeePerGas")])
            head = read.mapping(typed(latest.method, block), "block")
            base_fee = read.optional_quantity(head.get("baseFeePerGas"), "base fee")
            if isinstance(tip, Refused):  # an old node: what it asks for in all, less the base fee
                price = read.quantity(ask_one(client, "eth_gasPrice"), "gas price")
                node_tip = max(0, price - base_fee)
            else:
                node_tip = read.quantity(tip, "priority fee")
            return fees.fees_for(self.network, base_fee_wei=base_fee, node_tip_wei=node_tip)

        return self._pool.read(ask)

    def estimate_gas(self, sender: str, to: str, data: bytes, *, value_wei: int = 0) -> int:
        (answer,) = self.estimate_gas_many([CallRequest(sender, to, data, value_wei)])
        if isinstance(answer, errors.ChainError):
            raise answer
        return answer

    def estimate_gas_many(self, calls: Sequence[CallRequest]) -> list[int | errors.ChainError]:
        requests = [
            {
                "from": call.sender,
                "to": call.to,
                "data": "0x" + call.data.hex(),
                "value": hex(call.value_wei),
            }
            for call in calls
        ]
        found: list[int | errors.ChainError] = []
        for chunk in _chunks(requests, self.network.rpc_batch_size):
            questions = [Call("eth_estimateGas", (request,)) for request in chunk]
            answers = self._pool.read(partial(_batch, calls=questions))
            found += [self._gas_limit(answer) for answer in answers]
        return found

    def _gas_limit(self, answer: object) -> int | errors.ChainError:
        try:
            estimate = read.quantity(typed("eth_estimateGas", answer), "gas")
            return fees.gas_limit_for(self.network, estimate)
        except errors.ChainError as error:
            error.network = self.network.code
            return error

    # --- sending ---

    def send_raw(self, signed: bytes) -> SendOutcome:
        (outcome,) = self.send_raw_many([signed])
        return outcome

    def send_raw_many(self, signed: Sequence[bytes]) -> list[SendOutcome]:
        outcomes: list[SendOutcome] = []
        broken: errors.ChainError | None = None
        for chunk in _chunks(signed, self.network.rpc_batch_size):
            if broken is not None:  # the rest did not leave: a later nonce is no use before an earlier one
                outcomes += [_outcome(each, SendVerdict.NOT_SENT, broken) for each in chunk]
                continue
            sent, broken = self._send_chunk(chunk)
            outcomes += sent
        return outcomes

    def _send_chunk(self, chunk: Sequence[bytes]) -> tuple[list[SendOutcome], errors.ChainError | None]:
        """The outcomes, and the error that speaks against sending more now."""
        calls = [Call("eth_sendRawTransaction", ("0x" + each.hex(),)) for each in chunk]
        not_sent: errors.ChainError | None = None
        for endpoint in self._pool.for_sending():
            try:
                # Also asks for the chain id if that was not done lately, before anything leaves.
                self._pool.ensure_chain(endpoint)
                answers = self._pool.attempt(endpoint, lambda client: client.send_batch(calls))
                outcomes = [self._read_outcome(each, answer) for each, answer in zip(chunk, answers, strict=True)]
                if any(outcome.verdict is SendVerdict.INVALID for outcome in outcomes):
                    # Our bytes are well-formed: perhaps it is the endpoint that changed its chain.
                    self._pool.ensure_chain(endpoint, now=True)
            except errors.UnknownOutcome as error:
                return [_outcome(each, SendVerdict.UNKNOWN, error) for each in chunk], error
            except errors.ChainError as error:
                not_sent = error
                continue
            return outcomes, None
        not_sent = not_sent or self._pool.nobody()
        return [_outcome(each, SendVerdict.NOT_SENT, not_sent) for each in chunk], not_sent

    def _read_outcome(self, signed: bytes, answer: object) -> SendOutcome:
        if isinstance(answer, Refused):
            verdict, error = verdict_of_send(answer.refusal)
            error.network = self.network.code
            return _outcome(signed, verdict, None if verdict is SendVerdict.ALREADY_KNOWN else error)
        if isinstance(answer, errors.ChainError):
            answer.network = self.network.code
            return _outcome(signed, SendVerdict.UNKNOWN, answer)
        if not isinstance(answer, str) or answer.lower() != transaction_hash(signed):
            strange = errors.UnknownOutcome("the node names another hash", network=self.network.code)
            return _outcome(signed, SendVerdict.UNKNOWN, strange)
        return _outcome(signed, SendVerdict.ACCEPTED, None)

    # --- after ---

    def transaction_count(self, address: str, block: BlockTag) -> int:
        def ask(client: RpcClient) -> int:
            at: str = hex(self._finalized_of(client).number) if block == "finalized" else _tag(block)
            return _count(client, address, at)

        return self._pool.read(ask)

    def receipt(self, tx_hash: str) -> Receipt | None:
        return self.receipts([tx_hash])[0]

    def receipts(self, tx_hashes: Sequence[str]) -> list[Receipt | None]:
        found: list[Receipt | None] = []
        for chunk in _chunks(tx_hashes, self.network.rpc_batch_size):
            found += self._pool.read(partial(self._receipts_of, tx_hashes=chunk))
        return found

    def _receipts_of(self, client: RpcClient, tx_hashes: Sequence[str]) -> list[Receipt | None]:
        answers: list[object] = []
        for chunk in _chunks(tx_hashes, self.network.rpc_batch_size):
            answers += ask_many(client, [Call("eth_getTransactionReceipt", (tx_hash,)) for tx_hash in chunk])
        return [self._read_receipt(answer, tx_hash) for answer, tx_hash in zip(answers, tx_hashes, strict=True)]

    def _read_receipt(self, answer: object, tx_hash: str) -> Receipt | None:
        if answer is None:
            return None
        given = read.mapping(answer, "receipt")
        if read.hash32(given.get("transactionHash"), "transaction hash") != tx_hash.lower():
            raise errors.MalformedAnswer(f"asked for the receipt of {tx_hash}, got another")
        if given.get("blockHash") is None:
            return None  # some nodes answer for pending transactions too
        status = read.quantity(given.get("status"), "status")
        logs = given.get("logs")
        if status not in (0, 1) or not isinstance(logs, list):
            raise errors.MalformedAnswer("a receipt without status or logs")
        transfers = token_transfers(logs, contract=self.network.token_contract)
        block_hash = read.hash32(given["blockHash"], "block hash")
        if any((each.tx_hash, each.block_hash) != (tx_hash.lower(), block_hash) for each in transfers):
            raise errors.MalformedAnswer("a receipt with the logs of another transaction")
        gas_used = read.quantity(given.get("gasUsed"), "gas used")
        price_wei = read.quantity(given.get("effectiveGasPrice"), "gas price")
        return Receipt(
            tx_hash=tx_hash.lower(),
            block_number=read.quantity(given.get("blockNumber"), "block number"),
            block_hash=block_hash,
            succeeded=status == 1,
            gas_used=gas_used,
            fee_native=gas_used * price_wei + read.optional_quantity(given.get("l1Fee"), "L1 fee"),
            transfers=transfers,
        )

    def transaction(self, tx_hash: str) -> TransactionInfo | None:
        return self.transactions([tx_hash])[0]

    def transactions(self, tx_hashes: Sequence[str]) -> list[TransactionInfo | None]:
        found: list[TransactionInfo | None] = []
        for chunk in _chunks(tx_hashes, self.network.rpc_batch_size):
            found += self._pool.read(partial(_transactions_of, tx_hashes=chunk))
        return found

    def raw_transaction(self, tx_hash: str) -> bytes | None:
        return self._pool.read(partial(_raw_transaction, tx_hash=tx_hash))

    def native_balance(self, address: str) -> int:
        return self._pool.read(
            lambda client: read.quantity(ask_one(client, "eth_getBalance", address, "latest"), "balance")
        )

    def token_balance(self, address: str) -> int:
        return self._pool.read(lambda client: self._token.balance(client, address))

    def is_blocked(self, address: str) -> bool:
        return self._pool.read(lambda client: self._token.is_blocked(client, address))

    def find_transaction_by_nonce(self, sender: str, nonce: int, *, from_block: int = 0) -> TransactionInfo | None:
        return self._pool.read(lambda client: self._at_nonce(client, sender, nonce, from_block))

    def _at_nonce(self, client: RpcClient, sender: str, nonce: int, from_block: int) -> TransactionInfo | None:
        """Bisect for the block in which the count passed the nonce; all of it is one endpoint's view."""
        high = self._finalized_of(client).number
        if _count(client, sender, hex(high)) <= nonce:
            return None
        low = min(from_block, high)
        if low > 0 and _count(client, sender, hex(low)) > nonce:
            low = 0  # the hint was wrong
        if low == 0 and _count(client, sender, hex(0)) > nonce:
            raise errors.MalformedAnswer("transactions before the first block")
        while high - low > 1:
            middle = (low + high) // 2
            if _count(client, sender, hex(middle)) > nonce:
                high = middle
            else:
                low = middle
        block = read.mapping(ask_one(client, "eth_getBlockByNumber", hex(high), True), "block")
        for given in block.get("transactions") or ():
            info = read.transaction_info(given)
            if info is not None and info.sender == sender and info.nonce == nonce:
                return info
        raise errors.MalformedAnswer(f"block {high} lacks the transaction that it should hold")


def _batch(client: RpcClient, calls: Sequence[Call]) -> list[object]:
    return client.batch(calls)


def _transactions_of(client: RpcClient, tx_hashes: Sequence[str]) -> list[TransactionInfo | None]:
    answers = ask_many(client, [Call("eth_getTransactionByHash", (tx_hash,)) for tx_hash in tx_hashes])
    found = [read.transaction_info(answer) for answer in answers]
    for info, tx_hash in zip(found, tx_hashes, strict=True):
        if info is not None and info.tx_hash != tx_hash.lower():
            raise errors.MalformedAnswer(f"asked for {tx_hash}, got {info.tx_hash}")
    return found


def _raw_transaction(client: RpcClient, tx_hash: str) -> bytes | None:
    try:
        answer = ask_one(client, "eth_getRawTransactionByHash", tx_hash)
        if isinstance(answer, str) and answer not in ("", "0x"):
            return read.data(answer, "raw transaction")
    except errors.MethodRefused:
        pass  # not every provider has it, and the fields say the same
    given = ask_one(client, "eth_getTransactionByHash", tx_hash)
    return None if given is None else bytes_of(read.mapping(given, "transaction"))


def _outcome(signed: bytes, verdict: SendVerdict, error: errors.ChainError | None) -> SendOutcome:
    return SendOutcome(tx_hash=transaction_hash(signed), verdict=verdict, error=error)


def _count(client: RpcClient, address: str, at: str) -> int:
    return read.quantity(ask_one(client, "eth_getTransactionCount", address, at), "transaction count")


def _tag(block: BlockTag) -> str:
    return hex(block) if isinstance(block, int) else block


def _chunks[T](items: Sequence[T], size: int) -> list[Sequence[T]]:
    return [items[at : at + size] for at in range(0, len(items), size)]
