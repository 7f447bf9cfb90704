"""Which accounts there can be."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection

from tests.support.databases import CommittedDatabase
from treasury import chart
from treasury.chart import UnknownAccount, kind_of, register_kind
from treasury.ledger import AssetMismatch, Posting, open_account, open_accounts, open_customer_accounts, post
from treasury.models import LedgerAccount, LedgerKind


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it."""
    monkeypatch.setattr(chart, "_kinds", dict(chart._kinds))


@pytest.mark.parametrize(
    ("code", "side", "asset", "floor", "slots"),
    [
        ("asset:arbitrum:deposit", "debit", "USDT", None, 64),
        ("asset:tron:in_transit", "debit", "USDT", None, 64),
        ("asset:bsc:deposit:dust", "debit", "USDT-BSC-DUST", None, 64),
        ("gas:arbitrum:hot", "debit", "ETH", None, 64),
        ("gas:bsc:hot", "debit", "BNB", None, 64),
        ("customer:12:available", "credit", "USDT", 0, 1),
        ("customer:12:reserved", "credit", "USDT", 0, 1),
        ("customer:12:invested", "credit", "USDT", 0, 1),
        ("receivable:reorg:12", "debit", "USDT", 0, 1),
        ("suspense:unknown_deposit", "credit", "USDT", None, 64),
        ("pool:profit:cross_arbitrage", "credit", "USDT", 0, 1),
        ("float:cross_arbitrage", "credit", "USDT", 0, 1),
        ("income:withdrawal_fee", "credit", "USDT", None, 64),
        ("expense:gas:bsc", "debit", "BNB", None, 64),
        ("expense:reorg_loss", "debit", "USDT", None, 64),
        ("dust:bsc", "credit", "USDT-BSC-DUST", None, 64),
        ("equity:opening", "credit", "USDT", None, 64),
        ("equity:opening:ETH", "credit", "ETH", None, 64),
    ],
)
def test_each_account_of_the_chart_has_its_rule(
    code: str, side: str, asset: str, floor: int | None, slots: int, networks: object
) -> None:
    kind = kind_of(code)
    assert (kind.normal_side, kind.asset_of(code), kind.floor, kind.slots) == (side, asset, floor, slots)


@pytest.mark.parametrize("code", ["", "customer", "customer:1", "customer:1:available:more", "Customer:1:available"])
def test_other_codes_are_no_accounts(code: str) -> None:
    with pytest.raises(UnknownAccount):
        kind_of(code)


def test_an_app_registers_its_kinds_once(kinds: None) -> None:
    register_kind("vault:*", normal_side="credit", floor=0)
    register_kind("vault:*", normal_side="credit", floor=0)
    assert kind_of("vault:1").floor == 0
    with pytest.raises(ValueError, match="another rule"):
        register_kind("vault:*", normal_side="credit")


def test_a_floor_and_slots_exclude_each_other(kinds: None) -> None:
    with pytest.raises(ValueError, match="one balance row"):
        register_kind("vault:*", normal_side="credit", floor=0, slots=64)
    with pytest.raises(ValueError, match="not above 0"):
        register_kind("vault:*", normal_side="credit", floor=1)


def test_a_code_of_two_kinds_is_refused(kinds: None) -> None:
    register_kind("customer:*:*", normal_side="credit")
    with pytest.raises(UnknownAccount):
        kind_of("customer:1:available")


@pytest.mark.django_db
def test_the_database_knows_every_registered_kind() -> None:
    stored = {(row.pattern, row.normal_side, row.asset, row.floor, row.slots) for row in LedgerKind.objects.all()}
    assert stored == {kind.row() for kind in chart.registered_kinds()}


def test_migrating_brings_new_kinds_and_keeps_those_in_use(
    committed_db: CommittedDatabase, kinds: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(Posting("a", "asset:arbitrum:deposit", "customer:1:available", 1, "test"))
    with psycopg.connect(committed_db.owner_url) as owner, monkeypatch.context() as as_owner:
        as_owner.setattr(chart, "connections", {"default": owner})
        register_kind("vault:*", normal_side="credit", floor=-5)
        chart.store_kinds()
        chart.store_kinds()
        monkeypatch.setitem(chart._kinds, "vault:*", chart.Kind("vault:*", "credit", "USDT", 0))
        chart.store_kinds()
        monkeypatch.setitem(chart._kinds, "customer:*:available", chart.Kind("customer:*:available", "credit", "USDT"))
        with pytest.raises(RuntimeError, match="open accounts"):
            chart.store_kinds()
    open_account("vault:1", "USDT")
    assert LedgerAccount.objects.get(code="vault:1").floor == 0


@pytest.mark.django_db
def test_accounts_open_once() -> None:
    open_customer_accounts(5)
    open_customer_accounts(5)
    open_accounts(["dust:bsc", "customer:5:available", "dust:bsc"])
    open_accounts([])
    codes = ["customer:5:available", "customer:5:reserved", "dust:bsc"]
    assert list(LedgerAccount.objects.order_by("code").values_list("code", flat=True)) == codes
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), sum(balance) FROM treasury_ledgerbalance")
        assert cursor.fetchone() == (66, 0)


@pytest.mark.django_db
def test_an_account_opens_in_the_asset_of_its_kind_only() -> None:
    with pytest.raises(AssetMismatch):
        open_account("customer:5:available", "ETH")
    assert LedgerAccount.objects.count() == 0
