"""Proof instead of a node's word, asked for before anything is written down as final.

A node can show us a transaction that was never signed, or a receipt that no other node has. So a foreign transaction
counts by its bytes and their signature, and where there are several nodes a final receipt counts once they agree.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from treasury import alarms
from treasury.broadcasts.facts import UnderWay
from treasury.broadcasts.rows import no_longer
from treasury.chains.errors import HistoryUnavailable, InvalidTransaction, NotSettled
from treasury.chains.network import Network
from treasury.chains.ports import BlockRef, ChainAdapter, NonceChain, Receipt, TransactionInfo
from treasury.chains.signed import read_signed
from treasury.models import Alarm, Broadcast, Wallet

logger = logging.getLogger(__name__)

PROOFS = 20  # searches for a foreign transaction in one run: each takes many questions


@dataclass(frozen=True, slots=True)
class AtNonces:
    """What used up nonces at which no hash of ours is mined.

    `proven`: signed by our wallet's key, read from the bytes. `unproven`: why what a node showed proves nothing.
    """

    proven: dict[int, TransactionInfo] = field(default_factory=dict)
    unproven: dict[int, str] = field(default_factory=dict)

    @property
    def hashes(self) -> list[str]:
        return sorted(each.tx_hash for each in self.proven.values())


def foreign_transactions(chain: NonceChain, network: Network, wallet: Wallet, silent: Sequence[UnderWay]) -> AtNonces:
    """Which transaction is final at the nonces that are used up although no hash of ours is mined."""
    found = AtNonces()
    if not silent:
        return found
    final_count = chain.transaction_count(wallet.address, "finalized")
    since = (
        Broadcast.objects.filter(wallet=wallet, nonce__lt=silent[0].nonce, final_at__isnull=False)
        .order_by("-nonce")
        .values_list("block_number", flat=True)
        .first()
    )
    for order in [each for each in silent if each.nonce < final_count][:PROOFS]:
        shown = _find(chain, wallet, order, from_block=since or 0)
        if shown is None:
            alarms.raise_alarm(
                key=f"nonce-unexplained:{wallet.network}:{order.nonce}",
                severity=Alarm.Severity.CRITICAL,
                network=wallet.network,
                message="A nonce of the hot wallet is used up, no transaction of ours is mined, and none was found.",
                facts={"order": order.order_id, "nonce": order.nonce},
            )
        elif shown.tx_hash not in order.hashes:
            try:
                found.proven[order.nonce] = proven(shown, chain.raw_transaction(shown.tx_hash), network, wallet.address)
            except InvalidTransaction as fault:
                found.unproven[order.nonce] = (
                    f"A node shows {shown.tx_hash} at this nonce, which nothing proves: {fault.message}."
                )
    return found


def _find(chain: NonceChain, wallet: Wallet, order: UnderWay, *, from_block: int) -> TransactionInfo | None:
    try:
        return chain.find_transaction_by_nonce(wallet.address, order.nonce, from_block=from_block)
    except (HistoryUnavailable, NotSettled) as error:
        logger.warning("%s nonce %s: no proof of what used it: %s", wallet.network, order.nonce, error)
        return None


def proven(shown: TransactionInfo, signed: bytes | None, network: Network, wallet_address: str) -> TransactionInfo:
    """The transaction as its bytes have it. Raises InvalidTransaction unless the wallet's key signed it for this chain
    and nonce."""
    if not signed:
        raise InvalidTransaction("its bytes are not to be had")
    real = read_signed(signed)
    if real.tx_hash != shown.tx_hash:
        raise InvalidTransaction("its bytes have another hash")
    if real.sender != wallet_address:
        raise InvalidTransaction("the hot wallet's key did not sign it")
    if real.chain_id != network.chain_id:
        raise InvalidTransaction("it was signed for another chain")
    if real.nonce != shown.nonce:
        raise InvalidTransaction("it has another nonce")
    return replace(shown, sender=real.sender, to=real.to, value_wei=real.value_wei, data=real.data)


def disputed(chain: ChainAdapter, network: Network, receipts: Iterable[Receipt], final: BlockRef) -> Collection[str]:
    """Hashes of final transactions on which the nodes do not agree, with an alarm as long as there are any."""
    closing = [each for each in receipts if each.block_number <= final.number]
    if not closing:
        return frozenset()
    opinions = chain.second_opinions(closing, final)
    key = f"nodes-disagree:{network.code}"
    if hashes := opinions.for_a_person(closing, final, max_lag_blocks=network.endpoint_max_lag_blocks):
        alarms.raise_alarm(
            key=key,
            severity=Alarm.Severity.CRITICAL,
            network=network.code,
            message="Nodes disagree on final transactions of the hot wallet. These payments wait until they agree.",
            facts={"block": final.number, "tx_hashes": sorted(hashes)[:20]},
        )
    else:
        no_longer(key)
    return opinions.waiting
