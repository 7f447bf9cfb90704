"""Only the signer's settings may know of keys; any other process that does refuses to start."""

from __future__ import annotations

import sys

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

from devnet.processes import wait_until
from tests.support.product import Product
from treasury import failpoints
from treasury.failpoints import FailpointError, UnknownFailpoint
from treasury.models import DepositAddress, Wallet


@pytest.mark.parametrize("name", ["SIGNER_KEYSTORE_FILE", "SIGNER_PASSPHRASE"])
def test_key_settings_outside_the_signer_are_critical(settings: Settings, name: str) -> None:
    setattr(settings, name, "something")
    (found,) = [message for message in run_checks() if message.id == "treasury.C001"]
    assert found.is_serious()
    assert "something" not in str(found)


def test_ordinary_settings_pass() -> None:
    assert [message for message in run_checks() if message.id in ("treasury.C001", "treasury.C002")] == []


def test_the_signers_tasks_exist_in_the_signers_process_only() -> None:
    from celery import current_app

    import treasury.signer_tasks  # noqa: F401  # what every worker's autodiscovery does

    assert not [name for name in current_app.tasks if name.startswith("treasury.signer_tasks.")]


def test_sending_does_not_load_key_code(product) -> None:  # type: ignore[no-untyped-def]  # the fixture's type is tests'
    code = (
        "import sys, treasury.tasks, payouts.tasks, portal.urls;"
        "print(sorted(name for name in sys.modules if name.startswith(('treasury.keys', 'treasury.signing'))))"
    )
    assert product.manage("shell", "-c", code).stdout.strip().splitlines()[-1] == "[]"


def test_a_signer_that_cannot_open_its_keystore_does_not_start(product) -> None:  # type: ignore[no-untyped-def]  # see above
    from tests.support.product import SIGNER

    product.create_keystore()
    child = product.start(
        "signer", "-m", "celery", "-A", "portal.celery", "worker", "--pool", "threads", "-Q", "signer",
        settings=SIGNER, env={"SIGNER_PASSPHRASE": "another passphrase"},
    )  # fmt: skip

    wait_until(lambda: not child.running(), what="the signer to give up", seconds=120)
    said = child.last_words(50)
    assert "wrong passphrase" in said
    assert "another passphrase" not in said


def test_a_signer_that_starts_fills_its_pool_without_waiting_for_the_schedule(product: Product) -> None:
    product.create_keystore()
    product.signer_worker()
    wait_until(lambda: DepositAddress.objects.filter(customer=None).exists(), what="the first addresses", seconds=120)
    wait_until(lambda: Wallet.objects.filter(role=Wallet.Role.HOT).count() == 3, what="the hot wallets", seconds=120)


def test_failpoints_are_inert_unless_allowed(settings: Settings) -> None:
    settings.FAILPOINTS = "before_sign=raise"
    settings.FAILPOINTS_ALLOWED = False
    failpoints.hit("before_sign")
    settings.FAILPOINTS_ALLOWED = True
    with pytest.raises(FailpointError):
        failpoints.hit("before_sign")
    failpoints.hit("after_sign")


def test_a_failpoint_may_strike_at_its_third_pass(settings: Settings) -> None:
    settings.FAILPOINTS = "before_sign=raise@3"
    settings.FAILPOINTS_ALLOWED = True
    failpoints.reset_passes()
    failpoints.hit("before_sign")
    failpoints.hit("before_sign")
    with pytest.raises(FailpointError):
        failpoints.hit("before_sign")
    failpoints.hit("before_sign")


@pytest.mark.parametrize("given", ["nowhere=kill", "before_sign=explode", "before_sign"])
def test_a_misspelt_failpoint_is_an_error(settings: Settings, given: str) -> None:
    settings.FAILPOINTS = given
    settings.FAILPOINTS_ALLOWED = True
    with pytest.raises(UnknownFailpoint):
        failpoints.hit("before_sign")


def test_production_allows_no_failpoint() -> None:
    from portal.settings import base

    assert base.FAILPOINTS == ""
    assert base.FAILPOINTS_ALLOWED is False
    assert "portal.settings.prod" not in sys.modules
