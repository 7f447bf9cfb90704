"""What the fake lets tests do beyond the ports: reorganise, lose answers, forget, fail."""

from __future__ import annotations

import pytest

from tests.contracts.worlds import ALICE, BOB, Wallet, network_of
from treasury.chains import errors
from treasury.chains.fake import FakeChain
from treasury.chains.ports import ExactAddresses, Fees, SendVerdict

NETWORK = network_of("arbitrum")
FEES = Fees(10**9, 10**6, 0)


@pytest.fixture
def chain() -> FakeChain:
    return FakeChain(NETWORK)


@pytest.fixture
def wallet(chain: FakeChain) -> Wallet:
    made = Wallet("payer")
    chain.give(made.address, token_raw=1000, native_wei=10**18)
    return made


def transfers_to_alice(chain: FakeChain) -> list[tuple[str, int, int, int]]:
    found = chain.transfers(0, chain.head().number, ExactAddresses([ALICE])).transfers
    return [(each.tx_hash, each.ordinal, each.log_index, each.amount_raw) for each in found]


def test_a_transaction_mined_again_keeps_its_ordinal_at_another_log_index(chain: FakeChain) -> None:
    tx_hash = chain.deposit_many([(BOB, 1), (ALICE, 2)])
    chain.mine(3)
    assert transfers_to_alice(chain) == [(tx_hash, 1, 1, 2)]
    before = chain.head()
    chain.reorg(3, remine=[tx_hash], shifted_logs=5)
    assert transfers_to_alice(chain) == [(tx_hash, 1, 6, 2)]
    after = chain.block(before.number)
    assert after is not None
    assert after.block_hash != before.block_hash
    assert chain.head().number == before.number + 1


def test_a_reorg_puts_signed_payments_back_into_the_pool_and_balances_with_them(
    chain: FakeChain, wallet: Wallet
) -> None:
    sent = chain.send_raw(wallet.transfer(NETWORK, nonce=0, fees=FEES, amount_raw=7))
    chain.mine()
    assert chain.token_balance(BOB) == 7
    chain.base_fee_wei = 10**10  # so that it cannot be mined again at once
    chain.reorg(1)
    assert chain.receipt(sent.tx_hash) is None
    assert chain.token_balance(BOB) == 0
    assert chain.transaction_count(wallet.address, "latest") == 0
    info = chain.transaction(sent.tx_hash)
    assert info is not None
    assert info.is_pending
    chain.base_fee_wei = 1
    chain.mine()
    assert chain.token_balance(BOB) == 7


def test_a_lost_answer_leaves_the_transaction_in_the_pool(chain: FakeChain, wallet: Wallet) -> None:
    chain.lose_answers(1)
    outcome = chain.send_raw(wallet.transfer(NETWORK, nonce=0, fees=FEES))
    assert outcome.verdict is SendVerdict.UNKNOWN
    assert chain.transaction(outcome.tx_hash) is not None


def test_a_swallowed_send_is_accepted_and_gone(chain: FakeChain, wallet: Wallet) -> None:
    chain.swallow_sends(1)
    outcome = chain.send_raw(wallet.transfer(NETWORK, nonce=0, fees=FEES))
    assert outcome.verdict is SendVerdict.ACCEPTED
    assert chain.transaction(outcome.tx_hash) is None


def test_a_method_can_be_made_to_fail_a_number_of_times(chain: FakeChain, wallet: Wallet) -> None:
    chain.fail("head", errors.EndpointUnavailable("down"), times=2)
    for _ in range(2):
        with pytest.raises(errors.EndpointUnavailable):
            chain.head()
    assert chain.head().number == 0
    chain.fail("send_raw", errors.EndpointUnavailable("down"))
    outcome = chain.send_raw(wallet.transfer(NETWORK, nonce=0, fees=FEES))
    assert outcome.verdict is SendVerdict.NOT_SENT
    chain.fail("send_raw", errors.UnknownOutcome("timed out"))
    assert chain.send_raw(wallet.transfer(NETWORK, nonce=0, fees=FEES)).verdict is SendVerdict.UNKNOWN


def test_a_forgotten_transaction_leaves_the_pool(chain: FakeChain, wallet: Wallet) -> None:
    outcome = chain.send_raw(wallet.transfer(NETWORK, nonce=0, fees=FEES))
    chain.world.forget(outcome.tx_hash)
    chain.mine()
    assert chain.transaction(outcome.tx_hash) is None


def test_wide_ranges_are_refused_as_told(chain: FakeChain) -> None:
    chain.mine(30)
    chain.widest_range = 7
    with pytest.raises(errors.RangeRefused):
        chain.transfers(0, 7, ExactAddresses([]))
    assert [each.last.number for each in chain.scan(0, 30, ExactAddresses([]))][-1] == 30


def test_what_is_given_is_given_once_on_every_block(chain: FakeChain) -> None:
    chain.mine(3)
    chain.give(ALICE, token_raw=5, native_wei=6)
    assert (chain.token_balance(ALICE), chain.native_balance(ALICE)) == (5, 6)
    chain.reorg(2)
    assert (chain.token_balance(ALICE), chain.native_balance(ALICE)) == (5, 6)


def test_a_reorg_never_reaches_the_first_block(chain: FakeChain) -> None:
    with pytest.raises(ValueError, match="first block"):
        chain.reorg(1)


def test_another_node_can_be_made_to_dispute_a_transaction(chain: FakeChain, wallet: Wallet) -> None:
    outcome = chain.send_raw(wallet.transfer(NETWORK, nonce=0, fees=FEES))
    final = chain.mine()
    receipt = chain.receipt(outcome.tx_hash)
    assert receipt is not None
    chain.told_otherwise.add(outcome.tx_hash)
    assert chain.second_opinions([receipt], final).contradicted == {outcome.tx_hash}
