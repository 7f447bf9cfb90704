"""An honest chain in memory, for tests: passes the same contract suite as the adapters of real nodes.

chain = FakeChain(network)                      # a Network; `registry.reset({"arbitrum": chain})` to install it
chain.deposit(address, 5_000_000)               # a stranger pays; in the next block
chain.deposit_many([(a, 1), (b, 0), (a, 3)])    # several Transfers in one transaction
chain.look_alike(address, 5_000_000)            # the same of another contract
chain.mine(3); chain.reorg(2, remine=[tx_hash], shifted_logs=1)
chain.give(wallet, token_raw=10**9, native_wei=10**18)
chain.automine = True                           # mine each accepted transaction at once (default: call mine())
chain.base_fee_wei = 3 * chain.base_fee_wei
chain.fail("receipts", EndpointUnavailable("down"), times=2)    # the next calls of a method raise
chain.lose_answers(1)                           # takes the next send, answers nothing: UNKNOWN
chain.swallow_sends(1)                          # says yes to the next send and forgets it
chain.widest_range = 100                        # wider ranges are refused
chain.told_otherwise.add(tx_hash)               # another node disputes this transaction
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence

from treasury.chains import errors, fees
from treasury.chains.addresses import checksummed
from treasury.chains.fake_world import NOOP_GAS, TRANSFER_GAS, Block, Mined, Movement, Tx, World
from treasury.chains.network import FeePolicy, Finality, Network
from treasury.chains.payloads import decode_signed, decode_transfer_calldata, transaction_hash
from treasury.chains.ports import (
    MAX_FOREIGN_RECIPIENTS,
    AddressFilter,
    BlockRef,
    BlockTag,
    CallRequest,
    EndpointHealth,
    EndpointState,
    Fees,
    ForeignTransfer,
    Receipt,
    ScannedRange,
    SecondOpinions,
    SendOutcome,
    SendVerdict,
    TokenFacts,
    TransactionInfo,
    Transfer,
)
from treasury.chains.ranges import scan_ranges

STRANGER = checksummed("57" * 20)
OTHER_TOKEN = checksummed("70" * 20)


class FakeChain:
    """A `ports.ChainAdapter` over a `World`. See the head of this module for what a test can do to it."""

    def __init__(self, network: Network, *, automine: bool = False, base_fee_wei: int | None = None) -> None:
        if base_fee_wei is None:
            base_fee_wei = 0 if network.fee_policy is FeePolicy.BSC else 10_000_000
        self.network = network
        self.automine = automine
        self.world = World(token=network.token_contract, base_fee_wei=base_fee_wei)
        self.node_tip_wei = 1_000_000_000
        self.widest_range: int | None = None
        self.finalized_lag = 2  # where finality is the node's tag
        self.sends_seen = 0
        self.told_otherwise: set[str] = set()
        self._failures: dict[str, deque[errors.ChainError]] = defaultdict(deque)
        self._answers_to_lose = 0
        self._sends_to_swallow = 0

    # --- what tests do ---

    @property
    def base_fee_wei(self) -> int:
        return self.world.base_fee_wei

    @base_fee_wei.setter
    def base_fee_wei(self, value: int) -> None:
        self.world.base_fee_wei = value

    def mine(self, blocks: int = 1) -> BlockRef:
        return _ref(self.world.mine(blocks))

    def reorg(self, depth: int, *, remine: Sequence[str] = (), shifted_logs: int = 0) -> BlockRef:
        """See World.reorg."""
        return _ref(self.world.reorg(depth, remine=remine, shifted_logs=shifted_logs))

    def give(self, address: str, *, token_raw: int = 0, native_wei: int = 0) -> None:
        self.world.give(address, token_raw=token_raw, native_wei=native_wei)

    def deposit(self, recipient: str, amount_raw: int, *, sender: str = STRANGER) -> str:
        """A stranger's transfer; returns its hash."""
        return self.deposit_many([(recipient, amount_raw)], sender=sender)

    def deposit_many(self, payments: Sequence[tuple[str, int]], *, sender: str = STRANGER) -> str:
        """Several transfers in one transaction; returns its hash."""
        token = self.network.token_contract
        return self._submit([Movement(token, sender, recipient, amount) for recipient, amount in payments])

    def deposit_mixed(self, payments: Sequence[tuple[bool, str, int]]) -> str:
        """Transfers of the token (True) and of another (False) in one transaction; returns its hash."""
        tokens = {True: self.network.token_contract, False: OTHER_TOKEN}
        return self._submit([Movement(tokens[ours], STRANGER, to, amount) for ours, to, amount in payments])

    def look_alike(self, recipient: str, amount_raw: int, *, contract: str = OTHER_TOKEN) -> str:
        """A transfer of another token; returns its hash."""
        return self._submit([Movement(contract, STRANGER, recipient, amount_raw)])

    def _submit(self, movements: Sequence[Movement]) -> str:
        tx_hash = self.world.submit_stranger(movements)
        if self.automine:
            self.world.mine()
        return tx_hash

    def block_address(self, address: str) -> None:
        """Put an address on the token's blocklist."""
        self.world.blocked.add(address)

    def fail(self, method: str, error: errors.ChainError, *, times: int = 1) -> None:
        """The next `times` calls of `method` raise `error`."""
        self._failures[method].extend([error] * times)

    def lose_answers(self, times: int = 1) -> None:
        self._answers_to_lose = times

    def swallow_sends(self, times: int = 1) -> None:
        self._sends_to_swallow = times

    def _ask(self, method: str) -> None:
        if self._failures[method]:
            raise self._failures[method].popleft()

    # --- DepositSource ---

    def head(self) -> BlockRef:
        self._ask("head")
        return _ref(self.world.head)

    def finalized(self) -> BlockRef:
        self._ask("finalized")
        lag = self.network.confirmations if self.network.finality is Finality.DEPTH else self.finalized_lag
        return _ref(self.world.blocks[max(0, self.world.head.number - lag)])

    def block(self, number: int) -> BlockRef | None:
        self._ask("block")
        return _ref(self.world.blocks[number]) if 0 <= number < len(self.world.blocks) else None

    def transfers(self, first_block: int, last_block: int, wanted: AddressFilter) -> ScannedRange:
        self._ask("transfers")
        blocks = self._range(first_block, last_block)
        found = [each for block in blocks for each in self._transfers_in(block)]
        picked = wanted.pick("".join([each.recipient[2:].lower() for each in found]).encode())
        return ScannedRange(
            first_block=first_block,
            last=_ref(blocks[-1]),
            before=_ref(self.world.blocks[first_block - 1]) if first_block else None,
            transfers=tuple(found[position] for position in picked),
            logs_seen=len(found),
        )

    def scan(self, first_block: int, last_block: int, wanted: AddressFilter) -> Iterator[ScannedRange]:
        return scan_ranges(self, first_block, last_block, wanted, widest=self.network.scan_max_blocks)

    def foreign_transfers(
        self, first_block: int, last_block: int, recipients: Sequence[str]
    ) -> tuple[ForeignTransfer, ...]:
        self._ask("foreign_transfers")
        if len(recipients) > MAX_FOREIGN_RECIPIENTS:
            raise ValueError(f"at most {MAX_FOREIGN_RECIPIENTS} recipients at once")
        return tuple(
            ForeignTransfer(
                tx_hash=mined.tx.tx_hash,
                log_index=mined.first_log_index + position,
                block_number=block.number,
                block_hash=block.block_hash,
                contract=move.contract,
                sender=move.sender,
                recipient=move.recipient,
                amount_raw=move.amount_raw,
            )
            for block in self._range(first_block, last_block)
            for mined in block.mined
            for position, move in enumerate(mined.movements)
            if move.contract != self.network.token_contract and move.recipient in recipients
        )

    def _range(self, first: int, last: int) -> list[Block]:
        if not 0 <= first <= last:
            raise ValueError(f"not a range of blocks: {first} to {last}")
        if last >= len(self.world.blocks):
            raise errors.BlockNotAvailable(f"block {last} is not there yet", network=self.network.code)
        if self.widest_range is not None and last - first + 1 > self.widest_range:
            raise errors.RangeRefused(f"more than {self.widest_range} blocks", network=self.network.code)
        return self.world.blocks[first : last + 1]

    def _transfers_in(self, block: Block) -> list[Transfer]:
        return [transfer for mined in block.mined for transfer in self._transfers_of(block, mined)]

    def _transfers_of(self, block: Block, mined: Mined) -> list[Transfer]:
        own = [
            (mined.first_log_index + position, move)
            for position, move in enumerate(mined.movements)
            if move.contract == self.network.token_contract
        ]
        return [
            Transfer(
                tx_hash=mined.tx.tx_hash,
                ordinal=ordinal,
                log_index=log_index,
                block_number=block.number,
                block_hash=block.block_hash,
                contract=move.contract,
                sender=move.sender,
                recipient=move.recipient,
                amount_raw=move.amount_raw,
            )
            for ordinal, (log_index, move) in enumerate(own)
        ]

    # --- PaymentSender ---

    def suggest_fees(self) -> Fees:
        self._ask("suggest_fees")
        return fees.fees_for(self.network, base_fee_wei=self.base_fee_wei, node_tip_wei=self.node_tip_wei)

    def estimate_gas(self, sender: str, to: str, data: bytes, *, value_wei: int = 0) -> int:
        self._ask("estimate_gas")
        transfer = decode_transfer_calldata(data) if to == self.network.token_contract else None
        if transfer is None:
            return fees.gas_limit_for(self.network, NOOP_GAS)
        reason = self.world.revert_reason(sender, *transfer, self.world.head.state)
        if reason:
            raise errors.WouldRevert(f"execution reverted: {reason}", reason=reason, network=self.network.code)
        return fees.gas_limit_for(self.network, TRANSFER_GAS)

    def estimate_gas_many(self, calls: Sequence[CallRequest]) -> list[int | errors.ChainError]:
        found: list[int | errors.ChainError] = []
        for call in calls:
            try:
                found.append(self.estimate_gas(call.sender, call.to, call.data, value_wei=call.value_wei))
            except errors.ChainError as error:
                found.append(error)
        return found

    def transaction_count(self, address: str, block: BlockTag) -> int:
        self._ask("transaction_count")
        if isinstance(block, int):
            if block >= len(self.world.blocks):
                raise errors.BlockNotAvailable(f"block {block} is not there yet", network=self.network.code)
            return self._count(address, block)
        if block == "finalized":
            return self._count(address, self.finalized().number)
        count = self._count(address, self.world.head.number)
        if block == "pending":
            while (address, count) in self.world.pool:
                count += 1
        return count

    def _count(self, address: str, number: int) -> int:
        return self.world.blocks[number].state.nonces.get(address, 0)

    def send_raw(self, signed: bytes) -> SendOutcome:
        self.sends_seen += 1
        try:
            self._ask("send_raw")
        except errors.UnknownOutcome as error:
            return _outcome(signed, SendVerdict.UNKNOWN, error)
        except errors.ChainError as error:
            return _outcome(signed, SendVerdict.NOT_SENT, error)
        if self._sends_to_swallow:
            self._sends_to_swallow -= 1
            return _outcome(signed, SendVerdict.ACCEPTED)
        outcome = self._take(signed)
        if self._answers_to_lose:
            self._answers_to_lose -= 1
            return _outcome(signed, SendVerdict.UNKNOWN, errors.UnknownOutcome("the answer was lost"))
        return outcome

    def send_raw_many(self, signed: Sequence[bytes]) -> list[SendOutcome]:
        return [self.send_raw(each) for each in signed]

    def _take(self, signed: bytes) -> SendOutcome:
        try:
            payment = decode_signed(signed)
        except errors.InvalidTransaction as error:
            return _outcome(signed, SendVerdict.INVALID, error)
        payload = payment.payload
        if payload.chain_id != self.network.chain_id:
            return _outcome(signed, SendVerdict.INVALID, errors.InvalidTransaction("invalid chain id"))
        known = self.world.pool.get((payment.sender, payload.nonce))
        if known is not None and known.tx_hash == payment.tx_hash:
            return _outcome(signed, SendVerdict.ALREADY_KNOWN)
        state = self.world.head.state
        if payload.nonce < state.nonces.get(payment.sender, 0):
            return _outcome(signed, SendVerdict.NONCE_TOO_LOW, errors.NonceTooLow("nonce too low"))
        if state.native.get(payment.sender, 0) < payload.worst_fee_wei + payload.value_wei:
            return _outcome(signed, SendVerdict.INSUFFICIENT_FUNDS, errors.InsufficientFunds("insufficient funds"))
        old = known.payment.payload.fees if known is not None and known.payment is not None else None
        if old is not None and not fees.is_sufficient_replacement(old, payload.fees):
            return _outcome(signed, SendVerdict.UNDERPRICED, errors.Underpriced("replacement underpriced"))
        self.world.pool[payment.sender, payload.nonce] = Tx(
            payment.tx_hash, payment.sender, payment=payment, signed=signed
        )
        if self.automine:
            self.world.mine()
        return _outcome(signed, SendVerdict.ACCEPTED)

    def receipt(self, tx_hash: str) -> Receipt | None:
        return self.receipts([tx_hash])[0]

    def receipts(self, tx_hashes: Sequence[str]) -> list[Receipt | None]:
        self._ask("receipts")
        return [self._receipt(tx_hash) for tx_hash in tx_hashes]

    def _receipt(self, tx_hash: str) -> Receipt | None:
        found = self.world.find(tx_hash)
        if found is None:
            return None
        block, mined = found
        return Receipt(
            tx_hash=tx_hash,
            block_number=block.number,
            block_hash=block.block_hash,
            succeeded=mined.succeeded,
            gas_used=mined.gas_used,
            fee_native=mined.gas_used * mined.price_wei,
            transfers=tuple(self._transfers_of(block, mined)),
        )

    def transaction(self, tx_hash: str) -> TransactionInfo | None:
        return self.transactions([tx_hash])[0]

    def transactions(self, tx_hashes: Sequence[str]) -> list[TransactionInfo | None]:
        self._ask("transactions")
        return [self._transaction(tx_hash) for tx_hash in tx_hashes]

    def _transaction(self, tx_hash: str) -> TransactionInfo | None:
        pending = self.world.pending(tx_hash)
        if pending is not None:
            return _info(pending, None)
        found = self.world.find(tx_hash)
        return _info(found[1].tx, found[0]) if found else None

    def raw_transaction(self, tx_hash: str) -> bytes | None:
        self._ask("raw_transaction")
        found = self.world.find(tx_hash)
        tx = found[1].tx if found else self.world.pending(tx_hash)
        return (tx.signed or None) if tx else None

    def second_opinions(self, receipts: Sequence[Receipt], final: BlockRef) -> SecondOpinions:
        self._ask("second_opinions")
        return SecondOpinions(frozenset(each.tx_hash for each in receipts if each.tx_hash in self.told_otherwise))

    def native_balance(self, address: str) -> int:
        self._ask("native_balance")
        return self.world.head.state.native.get(address, 0)

    def token_balance(self, address: str) -> int:
        self._ask("token_balance")
        return self.world.head.state.tokens.get(address, 0)

    def is_blocked(self, address: str) -> bool:
        self._ask("is_blocked")
        return address in self.world.blocked

    def find_transaction_by_nonce(self, sender: str, nonce: int, *, from_block: int = 0) -> TransactionInfo | None:
        self._ask("find_transaction_by_nonce")
        del from_block  # only a hint for searching, and here is nothing to search
        final = self.finalized().number
        for block in self.world.blocks[: final + 1]:
            for mined in block.mined:
                if mined.tx.payment is not None and (mined.tx.sender, mined.tx.nonce) == (sender, nonce):
                    return _info(mined.tx, block)
        return None

    # --- StartCheck ---

    def verify(self) -> TokenFacts:
        self._ask("verify")
        network = self.network
        return TokenFacts(
            contract=network.token_contract,
            decimals=network.token_decimals,
            symbol="USDT",
            code_hash="0x" + "fa" * 32,
        )

    def endpoint_health(self) -> list[EndpointHealth]:
        return [
            EndpointHealth(
                url="memory://",
                state=EndpointState.HEALTHY,
                head=self.world.head.number,
                latency_ms=0,
                failures_in_a_row=0,
                retry_in_seconds=0,
                last_error="",
            )
        ]

    def close(self) -> None:
        """Nothing is open."""


def _ref(block: Block) -> BlockRef:
    return BlockRef(block.number, block.block_hash, block.parent_hash, block.timestamp)


def _outcome(signed: bytes, verdict: SendVerdict, error: errors.ChainError | None = None) -> SendOutcome:
    return SendOutcome(tx_hash=transaction_hash(signed), verdict=verdict, error=error)


def _info(tx: Tx, block: Block | None) -> TransactionInfo:
    payload = tx.payment.payload if tx.payment else None
    return TransactionInfo(
        tx_hash=tx.tx_hash,
        nonce=tx.nonce,
        sender=tx.sender,
        to=payload.to if payload else tx.movements[0].contract,
        value_wei=payload.value_wei if payload else 0,
        data=payload.data if payload else b"",
        block_number=block.number if block else None,
        block_hash=block.block_hash if block else None,
    )
