"""The real worker and the real signer, killed while they pay fifty people: new ones finish what they began."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from devnet import networks as devnet_networks
from devnet.processes import wait_until
from tests.support.approvers import PHRASE
from tests.support.chains import LocalChain
from tests.support.paying import MICRO, Desk, Signer, assert_ledger_clean
from tests.support.product import SIGNER, Product
from treasury import orders
from treasury.models import Broadcast, PaymentOrder, SigningRecord, Wallet
from treasury.opening import book_opening_balances

pytestmark = [pytest.mark.faults, pytest.mark.slow]
PAYMENTS = 50


@pytest.fixture
def running(
    product: Product, anvil_arbitrum: LocalChain, networks: dict[str, dict[str, Any]], tmp_path: Path
) -> Product:
    """Keys made, hot wallet known and funded. Ten transactions a request, so that there is a middle."""
    networks["arbitrum"]["rpc_batch_size"] = 10
    devnet_networks.write(tmp_path / "networks.toml", {"arbitrum": networks["arbitrum"]})
    product.changes["NETWORKS_FILE"] = str(tmp_path / "networks.toml")
    product.create_keystore(phrase=PHRASE)
    product.manage("prepare_signer", settings=SIGNER)
    wallet = Wallet.objects.get(network="arbitrum")
    anvil_arbitrum.mint(wallet.address, 1_000 * MICRO)
    anvil_arbitrum.give_gas(wallet.address, 10**18)
    book_opening_balances(network="arbitrum")
    return product


@pytest.mark.timeout(600)
def test_fifty_payments_survive_kill_9_of_worker_and_signer(
    running: Product, anvil_arbitrum: LocalChain, committed_db: Any, settings: Any
) -> None:
    desk = Desk(chain=anvil_arbitrum, signer=Signer(committed_db.signer_url, settings), code="arbitrum")
    requests = [desk.request(MICRO + number) for number in range(PAYMENTS)]
    with transaction.atomic():
        orders.open_orders(requests)
    address = desk.wallet.address

    def used() -> int:
        return int(anvil_arbitrum.call("eth_getTransactionCount", address, "latest"), 16)

    signer = running.signer_worker(env={"FAULTS": "before_sign=kill@25"})
    worker = running.worker()
    running.beat()
    wait_until(lambda: not signer.running(), what="the signer's death while signing", seconds=120)
    assert Broadcast.objects.filter(state="reserved").count() == PAYMENTS
    assert SigningRecord.objects.count() == 0

    running.signer_worker()
    wait_until(lambda: used() > 0, what="the first payments", seconds=120)
    worker.kill()
    in_the_middle = used()

    running.worker()
    wait_until(lambda: used() == PAYMENTS, what="the last payments", seconds=120)
    anvil_arbitrum.mine(10)
    wait_until(
        lambda: not PaymentOrder.objects.exclude(state="settled").exists(), what="every order to settle", seconds=60
    )
    assert 0 < in_the_middle <= PAYMENTS
    assert used() == PAYMENTS, "not one transaction more"
    for request in requests:
        assert desk.transfers_to(request.address) == [request.amount_micro]
    assert SigningRecord.objects.count() == Broadcast.objects.count() == PAYMENTS
    assert_ledger_clean()
