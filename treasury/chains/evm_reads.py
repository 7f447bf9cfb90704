"""Reading an EVM network for deposits, on raw JSON-RPC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from treasury.chains import errors
from treasury.chains import rpc_values as read
from treasury.chains.addresses import raw_address
from treasury.chains.endpoints import EndpointPool, ask_many, ask_one, check_chain_id
from treasury.chains.logs import TRANSFER_TOPIC, LogsAnswer, foreign_transfers, read_transfers
from treasury.chains.network import Finality, Network
from treasury.chains.ports import MAX_FOREIGN_RECIPIENTS, AddressFilter, BlockRef, ForeignTransfer, ScannedRange
from treasury.chains.rpc import Call, Refused, RpcClient
from treasury.chains.rpc_errors import error_of_read


class EvmReads:
    """The DepositSource half of the adapter (see ports.py for what each method promises)."""

    network: Network
    _pool: EndpointPool[RpcClient]

    def head(self) -> BlockRef:
        self._pool.compare_heads(self._head_of)
        return self._pool.read(self._head_of)

    def finalized(self) -> BlockRef:
        self._pool.compare_heads(self._head_of)
        return self._pool.read(self._finalized_of)

    def block(self, number: int) -> BlockRef | None:
        return self._pool.read(lambda client: _block_of(client, number))

    def foreign_transfers(
        self, first_block: int, last_block: int, recipients: Sequence[str]
    ) -> tuple[ForeignTransfer, ...]:
        _check_range(first_block, last_block)
        if len(recipients) > MAX_FOREIGN_RECIPIENTS:
            raise ValueError(f"at most {MAX_FOREIGN_RECIPIENTS} recipients at once")
        if not recipients:
            return ()
        asked_for = [_topic(recipient) for recipient in recipients]
        question = {**_block_range(first_block, last_block), "topics": [TRANSFER_TOPIC, None, asked_for]}

        def ask(client: RpcClient) -> tuple[ForeignTransfer, ...]:
            logs = ask_one(client, "eth_getLogs", question)
            if not isinstance(logs, list):
                raise errors.MalformedAnswer("the logs are not a list")
            return foreign_transfers(logs, contract=self.network.token_contract, recipients=recipients)

        return self._pool.read(lambda client: _halving_hint(lambda: ask(client)))

    # --- one endpoint's view ---

    def _block_of(self, client: RpcClient, number: int) -> BlockRef | None:
        return _block_of(client, number)

    def _head_of(self, client: RpcClient) -> BlockRef:
        """The newest block, if the endpoint's own chain has it at that height: else it lies about its height."""
        chain_id, answer = ask_many(client, [Call("eth_chainId"), Call("eth_getBlockByNumber", ("latest", False))])
        check_chain_id(chain_id, self.network.chain_id)
        head = _in_its_chain(client, read.block_ref(answer))
        self._pool.note_head(client, head)
        return head

    def _finalized_of(self, client: RpcClient) -> BlockRef:
        head = self._head_of(client)
        if self.network.finality is Finality.TAG:
            final = _in_its_chain(client, read.block_ref(ask_one(client, "eth_getBlockByNumber", "finalized", False)))
            if final.number > head.number:
                raise errors.MalformedAnswer(f"finalized block {final.number} above the head {head.number}")
            return final
        block = _block_of(client, max(0, head.number - self.network.confirmations))
        if block is None:
            raise errors.MalformedAnswer("a block below the head is missing")
        return block

    def _transfers_of(self, client: RpcClient, first: int, last: int, wanted: AddressFilter) -> ScannedRange:
        calls = [Call("eth_chainId"), _block_call(last)]
        if first > 0:
            calls.append(_block_call(first - 1))
        chain_id, last_answer, *before_answer = ask_many(client, calls)
        check_chain_id(chain_id, self.network.chain_id)
        last_block = read.block_at(last_answer, last)
        before = read.block_at(before_answer[0], first - 1) if before_answer else None
        if last_block is None or (before is None and first > 0):
            raise errors.BlockNotAvailable(f"block {last} is not there yet")
        if before is not None and first == last and last_block.parent_hash != before.block_hash:
            raise errors.ReorgInFlight(f"block {last} does not stand on block {before.number}")

        answer = _halving_hint(lambda: self._logs_of(client, first, last, wanted))

        if _block_of(client, last) != last_block:
            raise errors.ReorgInFlight(f"block {last} changed while its logs were read")
        _check_blocks(answer, first, last_block)
        return ScannedRange(
            first_block=first,
            last=last_block,
            before=before,
            transfers=answer.transfers,
            logs_seen=answer.logs_seen,
        )

    def _logs_of(self, client: RpcClient, first: int, last: int, wanted: AddressFilter) -> LogsAnswer:
        def envelope(answer: Any) -> Any:
            try:
                return client.result_of(answer)
            except Refused as refused:
                raise error_of_read(refused.refusal, "eth_getLogs") from None

        contract = self.network.token_contract
        question = {**_block_range(first, last), "address": contract, "topics": [TRANSFER_TOPIC]}
        body = client.call_for_bytes("eth_getLogs", question)
        return read_transfers(body, contract=contract, wanted=wanted, envelope=envelope)


def _halving_hint[T](ask_for_logs: Callable[[], T]) -> T:
    """A range whose answer is too large or too slow is a range to halve: the endpoint just answered other questions."""
    try:
        return ask_for_logs()
    except (errors.AnswerTooLarge, errors.TimedOut) as error:
        raise errors.RangeRefused(error.message) from error


def _check_range(first: int, last: int) -> None:
    if not 0 <= first <= last:
        raise ValueError(f"not a range of blocks: {first} to {last}")


def _check_blocks(answer: LogsAnswer, first: int, last: BlockRef) -> None:
    """Each log lies in the range, and the logs agree with each other and with the last block on the blocks' hashes."""
    hashes = {last.number: last.block_hash}
    for transfer in answer.transfers:
        if not first <= transfer.block_number <= last.number:
            raise errors.MalformedAnswer(f"a log of block {transfer.block_number}, which was not asked for")
        if hashes.setdefault(transfer.block_number, transfer.block_hash) != transfer.block_hash:
            raise errors.ReorgInFlight(f"block {transfer.block_number} changed while its logs were read")


def _in_its_chain(client: RpcClient, block: BlockRef | None) -> BlockRef:
    if block is None:
        raise errors.MalformedAnswer("the endpoint has no such block")
    if _block_of(client, block.number) != block:
        raise errors.MalformedAnswer(f"the endpoint's own chain has another block {block.number}, or none")
    return block


def _block_of(client: RpcClient, number: int) -> BlockRef | None:
    try:
        return read.block_at(ask_one(client, "eth_getBlockByNumber", hex(number), False), number)
    except errors.BlockNotAvailable:  # some nodes answer an error instead of null
        return None


def _block_call(number: int) -> Call:
    return Call("eth_getBlockByNumber", (hex(number), False))


def _block_range(first: int, last: int) -> dict[str, str]:
    return {"fromBlock": hex(first), "toBlock": hex(last)}


def _topic(address: str) -> str:
    return "0x" + raw_address(address).rjust(32, b"\x00").hex()
