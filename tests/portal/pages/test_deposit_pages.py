"""Choosing a network, seeing the address, watching what arrives."""

from __future__ import annotations

import re

import psycopg
import pytest
from django.test import Client
from django.utils import translation

from accounts.models import User
from portal.templatetags.portal import duration
from tests.payouts.people import USDT, a_customer
from tests.portal.pages.conftest import HEAD, a_deposit, browser_of, heads_at
from tests.support.databases import CommittedDatabase
from tests.support.watching import Pool
from treasury.addresses import deposit_address_for
from treasury.halts import halt_network
from treasury.models import Deposit, DepositAddress


def text_of(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return answer.content.decode()


def test_no_network_is_chosen_beforehand(client: Client) -> None:
    text = text_of(client, "/deposit/")
    assert 'data-testid="network-arbitrum"' in text
    assert 'data-testid="network-bsc"' in text
    assert "deposit-address" not in text


@pytest.mark.parametrize("network", ["arbitrum", "bsc"])
def test_the_whole_address_is_shown_with_its_warning(client: Client, customer: User, network: str) -> None:
    address = DepositAddress.objects.get(customer=customer).address
    text = text_of(client, f"/deposit/{network}/")
    assert f'data-address="{address}"' in text
    assert f'data-copy="{address}"' in text
    shown = re.search(r'data-testid="deposit-address"[^>]*>(.*?)</p>', text, re.DOTALL)
    assert shown
    assert re.sub(r"<[^>]+>", "", shown.group(1)) == address, "selected by hand, it is copied without gaps"
    assert [len(part) for part in re.findall(r"<span>(\w+)</span>", shown.group(1))] == [2] + [4] * 10
    assert "Send only USDT on" in text
    assert 'aria-label="QR code of the deposit address"' in text
    assert "The same address is yours on" in text


def test_a_customer_keeps_the_address(client: Client) -> None:
    first, second = text_of(client, "/deposit/arbitrum/"), text_of(client, "/deposit/bsc/")
    found = [re.findall(r'data-address="(0x\w{40})"', text) for text in (first, second)]
    assert found[0] == found[1]
    assert len(found[0]) == 1


def test_an_address_changed_in_the_database_is_not_shown(customer: User, committed_db: CommittedDatabase) -> None:
    wrong = "0x" + "ab" * 20
    with psycopg.connect(committed_db.owner_url) as connection:
        connection.execute("ALTER TABLE treasury_depositaddress DISABLE TRIGGER guard")
        connection.execute(
            "UPDATE treasury_depositaddress SET address = %s WHERE customer_id = %s", [wrong, customer.pk]
        )
        connection.execute("ALTER TABLE treasury_depositaddress ENABLE TRIGGER guard")
    text = text_of(browser_of(customer), "/deposit/arbitrum/")
    assert wrong not in text
    assert "deposit-qr" not in text
    assert "could not be verified" in text


def test_an_empty_pool_is_said_in_words(pool: Pool) -> None:
    text = text_of(browser_of(a_customer()), "/deposit/arbitrum/")
    assert "No deposit address is available at the moment" in text


def test_an_unknown_network_is_not_found(client: Client) -> None:
    text_of(client, "/deposit/dogecoin/", status=404)
    text_of(client, "/deposit/live/?network=dogecoin", status=404)


def test_a_halted_network_says_that_it_is_paused(client: Client) -> None:
    halt_network("arbitrum", "a test")
    assert "Paused: credited later" in text_of(client, "/deposit/")
    assert "This network is paused while we check it" in text_of(client, "/deposit/arbitrum/")


def test_confirmations_are_counted_in_words(
    client: Client, customer: User, networks: dict[str, dict[str, object]]
) -> None:
    networks["arbitrum"] |= {"confirmations": 19, "block_seconds": 5.0}
    heads_at(HEAD + 7)
    a_deposit(customer, micro=500 * USDT)
    text = text_of(client, "/deposit/arbitrum/")
    assert "Confirmed 7 of 19 blocks, about a minute left" in text
    assert '<progress max="19" value="7"' in text
    russian = text_of(browser_of(customer, language="ru"), "/deposit/arbitrum/")
    assert "Подтверждено 7 из 19 блоков, ещё около минуты" in russian


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("confirmed", "We are crediting it now"),
        ("credited", "Credited"),
        ("below_minimum", "so it is not credited"),
        ("suspended", "Support looks into it"),
        ("reversed", "The network took this transfer back"),
    ],
)
def test_each_state_of_a_deposit_is_explained(client: Client, customer: User, state: str, words: str) -> None:
    heads_at(HEAD)
    a_deposit(customer, state=state)
    assert words in text_of(client, "/deposit/")


def test_a_deposit_that_the_chain_forgot_is_not_listed(client: Client, customer: User) -> None:
    heads_at(HEAD)
    a_deposit(customer, state="orphaned")
    assert "Nothing yet" in text_of(client, "/deposit/")


def test_nobody_sees_the_deposits_of_another(client: Client, customer: User, pool: Pool) -> None:
    heads_at(HEAD)
    other = a_customer()
    deposit_address_for(customer_id=other.pk, family="evm")
    theirs = a_deposit(other)
    for path in ("/deposit/", "/deposit/arbitrum/", "/deposit/live/", "/dashboard/", "/history/"):
        assert theirs.tx_hash not in text_of(client, path)


def test_the_list_refreshes_itself_and_only_when_it_changed(client: Client, customer: User) -> None:
    heads_at(HEAD)
    deposit = a_deposit(customer)
    text = text_of(client, "/deposit/arbitrum/")
    again = re.search(r'hx-get="([^"]+)"', text)
    assert again
    path = again.group(1).replace("&amp;", "&")
    assert client.get(path).status_code == 204, "nothing new"
    Deposit.objects.filter(pk=deposit.pk).update(state="credited")
    fragment = text_of(client, path)
    assert 'data-state="credited"' in fragment
    assert "<html" not in fragment


def test_durations_are_rough_and_in_words() -> None:
    with translation.override("ru"):
        said = {seconds: duration(seconds) for seconds in (2, 12, 47, 70, 150, 3600)}
    assert said == {
        2: "несколько секунд",
        12: "около 10 секунд",
        47: "около 50 секунд",
        70: "около минуты",
        150: "около 2 минут",
        3600: "около 60 минут",
    }
