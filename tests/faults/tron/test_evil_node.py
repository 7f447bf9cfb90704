"""One of two nodes lies, about anything that we ask it, a thousand times over.

Not one signature is over bytes that differ from the order, not one payment is made twice or believed unmade, and not
one deposit is credited that the chain does not hold. What was signed is read with Google's protobuf, not with ours.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from tronpy import Tron, proto
from tronpy.providers import HTTPProvider

from devnet.tron import protocol
from devnet.tron.addresses import Key, base58_of, sha256
from devnet.tron.lies import LIES
from tests.support.paying import Signer
from tests.support.paying_on_tron import TronDesk
from tests.support.tron import TRX, LocalTron
from tests.support.watching import Depositor, Depositors, check_books
from treasury import broadcasts, halts
from treasury.chains import registry
from treasury.chains.errors import ChainError, InvalidTransaction
from treasury.chains.tron.infos import TRANSFER_TOPIC
from treasury.chains.tron.transactions import RawTransaction, transfer_calldata
from treasury.deposits import following
from treasury.models import Broadcast, PaymentOrder
from treasury.signing.rules import OrderFacts, OwnWallet, Refused, Reserved, check_signed

pytestmark = [pytest.mark.faults, pytest.mark.slow]
VISITS_BEFORE, VISITS_AFTER, OFFERS = 12, 8, 50
"""How often each lie is asked for; each time what it says is made up anew."""

USDT = 1_000_000
ALSO = {"transaction_missing": ("receipt_missing",)}  # only what has no receipt is looked for
# What is asked before a signature, and what after it; some of it both.
BOTH = ("head_", "solid_", "balance_")
OFFERED = sorted(name for name in LIES if name.startswith("tx_"))
NEVER_ASKED = sorted(name for name in LIES if name.startswith(("sign_", "price_activation_")))
AFTER_SIGNING = sorted(name for name in LIES if name.startswith(("receipt_", "transaction_", "broadcast_", *BOTH)))
BEFORE_SIGNING = sorted(
    {*LIES} - {*AFTER_SIGNING, *OFFERED, *NEVER_ASKED} | {name for name in LIES if name.startswith(BOTH)}
)


@pytest.fixture
def solid_lag() -> int:
    """A third of the real one: every visit reads so many blocks of both nodes."""
    return 6


@pytest.fixture
def evil_desk(tron_desk: TronDesk, networks: dict[str, Any]) -> Iterator[TronDesk]:
    """The lying node is asked first, the honest one is beside it."""
    networks["tron"]["rpc_urls"] = [tron_desk.chain.url, tron_desk.chain.honest_url]
    networks["tron"]["expiration_seconds"] = 60
    registry.reset()
    yield tron_desk
    tron_desk.chain.control("lie", off=True)


@pytest.fixture
def anna(evil_desk: TronDesk, signer: Signer, depositors: Depositors) -> Depositor:
    return depositors.new("tron")


def test_there_are_a_thousand_lies() -> None:
    assert {*BEFORE_SIGNING, *AFTER_SIGNING, *OFFERED, *NEVER_ASKED} == set(LIES)
    assert len(OFFERED) * OFFERS + len(BEFORE_SIGNING) * VISITS_BEFORE + len(AFTER_SIGNING) * VISITS_AFTER >= 950


@pytest.mark.parametrize("name", BEFORE_SIGNING)
def test_a_lie_changes_nothing_that_is_signed(evil_desk: TronDesk, name: str) -> None:
    chain, invent = evil_desk.chain, random.Random(name)
    for seed in range(VISITS_BEFORE):
        evil_desk.order(invent.randrange(USDT, 5 * USDT))
        chain.control("lie", names=[name, *ALSO.get(name, ())], seed=seed)
        registry.reset()  # or the node that was caught once would not be asked for half a minute
        with suppress(ChainError):
            broadcasts.reserve_broadcasts("tron")
        if seed % 5 == 4:  # several lies, one visit to the signer
            evil_desk.signer.sign()
    _assert_signed_as_ordered()
    _assert_told(chain, name)
    chain.control("lie", off=True)
    registry.reset()
    for _ in range(3):
        _work(evil_desk)
        evil_desk.make_final()
    _assert_signed_as_ordered()
    _assert_nobody_is_paid_twice(evil_desk)
    assert Broadcast.objects.filter(signed_bytes__isnull=False).count() >= VISITS_BEFORE


@pytest.mark.parametrize("name", AFTER_SIGNING)
def test_a_lie_credits_nothing_and_pays_nothing_twice(evil_desk: TronDesk, anna: Depositor, name: str) -> None:
    chain, invent = evil_desk.chain, random.Random(name)
    paid = 0
    following.follow_network("tron")
    for seed in range(VISITS_AFTER):
        if seed % 3 == 0:
            paid += (amount := invent.randrange(2 * USDT, 9 * USDT))
            chain.mint(anna.address, amount)
            evil_desk.order(invent.randrange(USDT, 5 * USDT))
        chain.control("lie", names=[name, *ALSO.get(name, ())], seed=seed)
        registry.reset()  # or the node that was caught once would not be asked for half a minute
        _work(evil_desk)
        chain.mine(evil_desk.solid_lag // 3)
        _misfortune(evil_desk, anna, name)
        assert anna.available <= paid
        if seed == VISITS_AFTER // 2:
            _assert_nobody_is_paid_twice(evil_desk)
    _assert_signed_as_ordered()
    _assert_told(chain, name)
    chain.control("lie", off=True)

    registry.reset()  # the node that lied is not cooling down any more
    for _ in range(3):
        halts.resume_network("tron", actor_label="a person")
        evil_desk.make_final()
        _work(evil_desk)
    assert anna.available == paid, "in the end every deposit is credited, and nothing else"
    _assert_nobody_is_paid_twice(evil_desk)
    check_books()


@pytest.mark.parametrize("name", OFFERED)
def test_a_transaction_that_a_lying_node_offers_is_never_taken_for_the_order(
    tron: LocalTron, networks: dict[str, Any], name: str
) -> None:
    """We build our own and never ask. Had somebody asked and signed blindly, the signer's last look would see it."""
    key, invent = tron.new_key(trx=1_000), random.Random(name)
    network, wallet = registry.network("tron"), OwnWallet(wallet_id=1, address=base58_of(key.address), path="")
    for seed in range(OFFERS):
        recipient, amount = TronDesk.new_address(), invent.randrange(1, 10**12)
        honest = _offered(tron, wallet.address, recipient, amount)
        asked = _reserved(honest, recipient, amount)
        payload = RawTransaction.decode(honest.raw_data.SerializeToString())
        assert check_signed(_signed(honest, key), asked, payload, network, wallet), "what is honest passes"

        tron.control("lie", name=name, seed=seed)
        told = _offered(tron, wallet.address, recipient, amount)
        tron.control("lie", off=True)
        told.raw_data.timestamp = honest.raw_data.timestamp
        if name != "tx_expiration":
            told.raw_data.expiration = honest.raw_data.expiration
        with pytest.raises((Refused, InvalidTransaction)):
            check_signed(_signed(told, key), asked, payload, network, wallet)


def test_tronpys_own_way_of_signing_falls_for_it(tron: LocalTron) -> None:
    """Why we encode ourselves: what it signs is an id that the node named, of a transaction that pays the thief."""
    key = tron.new_key(trx=1_000)
    client = Tron(HTTPProvider(tron.url))
    tron.control("lie", name="sign_weight_txid", seed=1)
    wanted = "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8"
    transfer = client.trx.transfer(base58_of(key.address), wanted, 10 * TRX).build()
    tron.control("lie", off=True)
    assert transfer.txid != proto.calculate_txid_from_raw_data(transfer._raw_data)


def _offered(tron: LocalTron, owner: str, recipient: str, amount: int) -> Any:
    """The unsigned transaction that the node makes of a transfer."""
    answer = tron.ask(
        "wallet/triggersmartcontract",
        owner_address=owner,
        contract_address=tron.token,
        function_selector="transfer(address,uint256)",
        parameter=transfer_calldata(recipient, amount)[4:].hex(),
        fee_limit=30 * TRX,
        visible=True,
    )
    made = protocol.Transaction()
    made.raw_data.ParseFromString(bytes.fromhex(answer["transaction"]["raw_data_hex"]))
    return made


def _signed(unsigned: Any, key: Key) -> bytes:
    """With the signature's last byte as the signer writes it."""
    *rs, v = key.sign(sha256(unsigned.raw_data.SerializeToString()))
    made = protocol.Transaction(raw_data=unsigned.raw_data, signature=[bytes([*rs, v % 27 + 27])])
    return bytes(made.SerializeToString())


def _reserved(honest: Any, recipient: str, amount: int) -> Reserved:
    """An order for the transfer, and a broadcast of it with the honest offer's limits and times."""
    raw = honest.raw_data
    order = OrderFacts(
        order_id=1, reference="an order", network="tron", address=recipient, amount_micro=amount, revision=1,
        approvals_required=0, state="open", wallet_id=1, nonce=0, approvals=(),
    )  # fmt: skip
    return Reserved(
        broadcast_id=1, purpose="payment", network="tron", wallet_id=1, nonce=0, to_address="", data=b"", order=order,
        fee_limit_sun=raw.fee_limit, ref_block=raw.ref_block_bytes + raw.ref_block_hash, expiration_ms=raw.expiration,
        timestamp_ms=raw.timestamp,
    )  # fmt: skip


def _assert_told(chain: LocalTron, name: str) -> None:
    """That the lie was heard; how often in all, `-s` shows."""
    times = int(chain.control("lies")["times"].get(name, 0))
    sys.stderr.write(f"{name}: told {times} times\n")
    assert times > 0


def _misfortune(desk: TronDesk, anna: Depositor, name: str) -> None:
    """What some lies are about: a deposit that failed, payments that expired."""
    if name == "receipt_success":
        poor = desk.chain.new_key(trx=100)
        desk.chain.send(desk.chain.transfer_token(poor, anna.address, 5 * USDT))
    if name == "transaction_missing":
        desk.chain.control("travel", seconds=registry.network("tron").expiration_seconds + 10)
        desk.make_final()


def _work(desk: TronDesk) -> None:
    """What worker and signer do. A network that a lie has stopped is set going again by somebody."""
    with suppress(ChainError):
        following.follow_network("tron")
    desk.advance()
    desk.signer.sign()
    desk.advance()
    if halts.is_halted("tron"):
        halts.resume_network("tron", actor_label="a person")


def _assert_signed_as_ordered() -> None:
    wallet = None
    for row in Broadcast.objects.filter(signed_bytes__isnull=False).select_related("order", "wallet"):
        wallet = wallet or row.wallet.address
        message = protocol.Transaction.FromString(bytes(row.signed_bytes or b""))
        (contract,) = message.raw_data.contract
        assert contract.type == 31
        assert contract.Permission_id == 0
        call = protocol.CONTRACTS["TriggerSmartContract"].FromString(contract.parameter.value)
        said = (base58_of(call.owner_address[1:]), base58_of(call.contract_address[1:]), call.call_value)
        assert said == (wallet, registry.network("tron").token_contract, 0)
        assert call.data[:4].hex() == "a9059cbb"
        assert base58_of(call.data[16:36]) == row.order.address
        assert int.from_bytes(call.data[36:], "big") == row.order.amount_micro
        assert len(call.data) == 68
        assert message.raw_data.data == b""
        assert message.raw_data.fee_limit == row.fee_limit_sun <= registry.network("tron").fee_limit_sun_max
        assert message.raw_data.expiration == row.expiration_ms


def _assert_nobody_is_paid_twice(desk: TronDesk) -> None:
    """On the honest chain: at most one transfer to each recipient, and none to those who are said to be unpaid."""
    paid: dict[str, list[int]] = {}
    for number in range(1, desk.chain.height + 1):
        for info in desk.chain.ask("honest/wallet/gettransactioninfobyblocknum", num=number):
            for log in info.get("log", ()):
                if log["topics"][0] != TRANSFER_TOPIC:
                    continue
                recipient = base58_of(bytes.fromhex(log["topics"][2][24:]))
                paid.setdefault(recipient, []).append(int(log["data"], 16))
    for order in PaymentOrder.objects.all():
        assert paid.get(order.address, []) in ([], [order.amount_micro])
        if order.state == "dead":
            assert order.address not in paid, f"returned, and paid: {order.dead_reason}"
        if order.state == "settled":
            assert paid[order.address] == [order.amount_micro]
