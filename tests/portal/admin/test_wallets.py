"""What the chain says of our wallets beside what the ledger says; no page asks a node."""

from __future__ import annotations

from django.core.cache import cache
from django.urls import reverse

from tests.portal.admin.conftest import SignedIn
from tests.portal.admin.rows import Owner
from tests.support.chains import LocalChain
from tests.support.databases import CommittedDatabase
from treasury import ledger
from treasury.ledger import Posting
from treasury.tasks import read_wallet_balances
from treasury.wallet_balances import wallet_balances

USDT = 1_000_000


def test_the_wallets_page_shows_the_difference_between_ledger_and_chain(
    anvil_arbitrum: LocalChain, committed_db: CommittedDatabase, signed_in: SignedIn
) -> None:
    cache.clear()
    wallet = Owner(committed_db).wallet("arbitrum")
    anvil_arbitrum.mint(wallet.address, 70 * USDT)
    ledger.post(Posting("opening", "asset:arbitrum:hot", "equity:opening", 50 * USDT, "opening"))
    client, _person = signed_in("treasurer")
    page = reverse("admin:treasury_wallet_changelist")
    assert "not read yet" in client.get(page).content.decode()

    read_wallet_balances()  # the other network has no node here: it holds this one up no more than a warning

    assert wallet_balances([wallet.pk])[wallet.pk].token_micro == 70 * USDT
    for shown in (
        client.get(page).content.decode(),
        client.get(reverse("admin:treasury_wallet_change", args=[wallet.pk])).content.decode(),
        client.get(reverse("admin:index")).content.decode(),
    ):
        assert "50.00\xa0USDT" in shown
        assert "70.00\xa0USDT" in shown
        assert "20.00\xa0USDT" in shown
