"""Deciding what became of an order: pure, over facts that a chain could state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devnet import networks as devnet_networks
from devnet.anvil import ARBITRUM
from treasury.broadcasts.facts import Attempt, ChainFacts, Fate, UnderWay, Verdict, judge
from treasury.chains.network import Network, network_from_settings
from treasury.chains.payloads import transfer_calldata
from treasury.chains.ports import Receipt, TransactionInfo, Transfer

WALLET = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
RECIPIENT = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
OTHER = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
HASH, OLDER, STRANGE = "0x" + "a" * 64, "0x" + "b" * 64, "0x" + "c" * 64
BLOCK = "0x" + "1" * 64
AMOUNT = 5_000_000


@pytest.fixture
def network() -> Network:
    return network_from_settings("arbitrum", devnet_networks.network(ARBITRUM, rpc_urls=["http://127.0.0.1:1"]))


def attempt(number: int = 1, tx_hash: str | None = HASH, state: str = "sent", purpose: str = "payment") -> Attempt:
    return Attempt(
        broadcast_id=number, attempt=number, purpose=purpose, state=state, tx_hash=tx_hash, block_hash="", why=""
    )


def order(*attempts: Attempt) -> UnderWay:
    return UnderWay(
        order_id=1, reference="w:1", address=RECIPIENT, amount_micro=AMOUNT, nonce=7, attempts=attempts or (attempt(),)
    )


def transfer(recipient: str = RECIPIENT, amount: int = AMOUNT, sender: str = WALLET, ordinal: int = 0) -> Transfer:
    return Transfer(HASH, ordinal, ordinal, 10, BLOCK, "", sender, recipient, amount)


def receipt(*transfers: Transfer, tx_hash: str = HASH, succeeded: bool = True, number: int = 10) -> Receipt:
    return Receipt(tx_hash, number, BLOCK, succeeded, 50_000, 20, transfers)


def facts(
    *receipts: Receipt, final: int = 20, block: str = BLOCK, foreign: TransactionInfo | None = None
) -> ChainFacts:
    return ChainFacts(
        receipts={each.tx_hash: each for each in receipts},
        asked=frozenset({HASH, OLDER}),
        final_number=final,
        final_hashes={10: block},
        at_nonce={7: foreign} if foreign else {},
    )


def foreign(to: str = OTHER, data: bytes = b"", tx_hash: str = STRANGE) -> TransactionInfo:
    return TransactionInfo(tx_hash, 7, WALLET, to, 0, data, 10, BLOCK)


def fate(under_way: UnderWay, chain: ChainFacts, network: Network) -> Fate:
    return judge(under_way, chain, network, WALLET).fate


def test_final_and_with_its_transfer_it_is_paid(network: Network) -> None:
    assert fate(order(), facts(receipt(transfer())), network) is Fate.PAID


def test_not_final_it_is_only_mined(network: Network) -> None:
    assert fate(order(), facts(receipt(transfer()), final=9), network) is Fate.MINED


def test_in_a_block_that_is_not_the_chains_it_is_nothing(network: Network) -> None:
    assert fate(order(), facts(receipt(transfer()), block="0x" + "2" * 64), network) is Fate.NOTHING


def test_reverted_is_reverted_only_when_final(network: Network) -> None:
    assert fate(order(), facts(receipt(succeeded=False)), network) is Fate.REVERTED
    assert fate(order(), facts(receipt(succeeded=False), final=9), network) is Fate.MINED


@pytest.mark.parametrize(
    "transfers",
    [
        (),
        (transfer(amount=AMOUNT - 1),),
        (transfer(amount=AMOUNT + 1),),
        (transfer(recipient=OTHER),),
        (transfer(sender=OTHER),),
        (transfer(), transfer(ordinal=1)),
        (transfer(), transfer(recipient=OTHER, ordinal=1)),
    ],
    ids=["none", "too little", "too much", "to another", "from another", "twice", "and to another"],
)
def test_success_without_exactly_the_ordered_transfer_is_for_a_person(
    network: Network, transfers: tuple[Transfer, ...]
) -> None:
    assert fate(order(), facts(receipt(*transfers)), network) is Fate.SUSPECT


def test_a_fee_that_the_token_takes_beside_the_payment_is_no_payment_of_ours(network: Network) -> None:
    others = transfer(sender=OTHER, recipient=WALLET, ordinal=1)
    assert fate(order(), facts(receipt(transfer(), others)), network) is Fate.PAID


def test_an_older_attempt_may_be_the_one_that_is_mined(network: Network) -> None:
    attempts = (attempt(1, OLDER, "replaced"), attempt(2, HASH, "sent"))
    verdict = judge(order(*attempts), facts(receipt(transfer(), tx_hash=OLDER)), network, WALLET)
    assert verdict.fate is Fate.PAID
    assert verdict.attempt == attempts[0]


def test_a_final_no_op_means_that_the_payment_never_happens(network: Network) -> None:
    attempts = (attempt(1, None, "refused"), attempt(2, HASH, "sent", purpose="noop"))
    attempts = (replace(attempts[0], why="above a cap"), attempts[1])
    verdict = judge(order(*attempts), facts(receipt()), network, WALLET)
    assert (verdict.fate, verdict.reason) == (Fate.FILLED, "Never sent: above a cap")


def test_gone_from_its_block_it_is_unmined(network: Network) -> None:
    assert fate(order(attempt(state="mined")), facts(), network) is Fate.UNMINED


def test_mined_and_not_asked_about_it_stays(network: Network) -> None:
    chain = replace(facts(), asked=frozenset())
    assert fate(order(attempt(state="mined")), chain, network) is Fate.NOTHING


def test_without_a_trace_it_is_nothing(network: Network) -> None:
    assert fate(order(), facts(), network) is Fate.NOTHING


def test_another_final_transaction_at_the_nonce_is_the_proof(network: Network) -> None:
    assert fate(order(), facts(foreign=foreign()), network) is Fate.FOREIGN


def test_what_a_node_shows_at_the_nonce_without_proof_is_for_a_person(network: Network) -> None:
    chain = replace(facts(), unproven={7: "nobody signed it"})
    assert judge(order(), chain, network, WALLET) == Verdict(Fate.SUSPECT, reason="nobody signed it")


@pytest.mark.parametrize("final", [receipt(transfer()), receipt(), receipt(succeeded=False)])
def test_nothing_follows_from_a_receipt_on_which_the_nodes_disagree(network: Network, final: Receipt) -> None:
    disputed = replace(facts(final), disputed={HASH})
    assert fate(order(), disputed, network) is Fate.NOTHING
    assert fate(order(attempt(purpose="noop")), disputed, network) is Fate.NOTHING
    assert fate(order(), replace(facts(replace(final, block_number=21)), disputed={HASH}), network) is Fate.MINED


def test_nothing_follows_from_a_foreign_transaction_on_which_the_nodes_disagree(network: Network) -> None:
    assert fate(order(), replace(facts(foreign=foreign()), disputed={STRANGE}), network) is Fate.NOTHING


def test_our_own_hash_at_the_nonce_is_no_proof_of_anything_else(network: Network) -> None:
    assert fate(order(), facts(foreign=foreign(tx_hash=HASH)), network) is Fate.NOTHING


def test_a_strange_transaction_that_pays_the_same_is_for_a_person(network: Network) -> None:
    same = foreign(network.token_contract, transfer_calldata(RECIPIENT, AMOUNT))
    assert fate(order(), facts(foreign=same), network) is Fate.SUSPECT
    other_amount = foreign(network.token_contract, transfer_calldata(RECIPIENT, AMOUNT + 1))
    assert fate(order(), facts(foreign=other_amount), network) is Fate.FOREIGN
