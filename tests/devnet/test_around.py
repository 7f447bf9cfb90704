"""The faucet and the mail catcher: pages, API, and who may use them."""

import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from wsgiref.simple_server import make_server

import pytest
from django.core.mail import EmailMultiAlternatives

from devnet import networks as devnet_networks
from devnet.anvil import free_port
from devnet.web import Application, QuietHandler, Server

SOMEBODY = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


@pytest.fixture
def url(tmp_path, networks, smtp_server):
    devnet_networks.write(tmp_path / "networks.toml", networks)
    application = Application(
        networks_file=tmp_path / "networks.toml", store=smtp_server, site_url="http://localhost:1"
    )
    port = free_port()
    server = make_server("127.0.0.1", port, application, server_class=Server, handler_class=QuietHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{port}"
    server.shutdown()
    thread.join()
    server.server_close()


def ask(url, data=None, method=None, **headers):
    """Status, parsed or plain body, headers."""
    request = urllib.request.Request(
        url, data=data, method=method, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )
    try:
        answer = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        body = answer.read().decode()
        kind = answer.headers["Content-Type"]
        return answer.status, json.loads(body) if kind == "application/json" else body, answer.headers


def give(url, **order):
    return ask(f"{url}/api/faucet", json.dumps({"address": SOMEBODY, **order}).encode())


def test_the_faucet_gives_tokens_with_the_decimals_of_the_network(url, anvil_arbitrum, anvil_bsc):
    status, given, _ = give(url, network="arbitrum", asset="token", amount="100.000001")
    assert status == 200
    assert anvil_arbitrum.balance_of(SOMEBODY) == 100_000_001
    assert given["block"] <= anvil_arbitrum.height
    status, given, _ = give(url, network="bsc", asset="USDT", amount="0.000000000000000001")
    assert status == 200
    assert anvil_bsc.balance_of(SOMEBODY) == 1


def test_the_faucet_gives_native_coin(url, anvil_arbitrum):
    before = anvil_arbitrum.native_balance_of(SOMEBODY)
    assert give(url, network="arbitrum", asset="native", amount="2")[0] == 200
    assert give(url, network="arbitrum", asset="ETH", amount="0.5")[0] == 200
    assert anvil_arbitrum.native_balance_of(SOMEBODY) - before == 25 * 10**17


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"network": "ethereum", "amount": "1"}, "no network"),
        ({"network": "tron", "amount": "1"}, "controlled"),
        ({"network": "arbitrum", "amount": "0"}, "more than zero"),
        ({"network": "arbitrum", "amount": "NaN"}, "more than zero"),
        ({"network": "arbitrum", "amount": "-5"}, "more than zero"),
        ({"network": "arbitrum", "amount": "ten"}, "not an amount"),
        ({"network": "arbitrum", "amount": "0.0000001"}, "6 digits"),
        ({"network": "arbitrum", "amount": "1e40"}, "at most"),
        ({"network": "arbitrum", "amount": "1", "address": "0x1234"}, "40 hexadecimal"),
        ({"network": "arbitrum", "amount": "1", "address": SOMEBODY.replace("C8", "c8")}, "checksum"),
    ],
)
def test_the_faucet_says_what_is_wrong(url, order, words):
    status, answer, _ = give(url, asset="token", **order)
    assert status == 400
    assert words in answer["error"]


def test_the_faucets_page_keeps_what_was_typed(url):
    typed = urllib.parse.urlencode({"network": "bsc", "address": "<b>", "amount": "5", "asset": "token"}).encode()
    status, page, _ = ask(f"{url}/faucet/", typed)
    assert status == 400
    assert 'value="&lt;b&gt;"' in page
    assert 'role="alert"' in page


def test_a_mail_can_be_listed_and_read(url, mail_catcher):
    mail = EmailMultiAlternatives(
        "Здравствуйте <b>", "Go to http://localhost:1/a?b=1&c=2 now", None, ["anna@example.org"]
    )
    mail.attach_alternative("<p>Hello <script>alert(1)</script></p>", "text/html")
    mail.send()
    _, [summary], _ = ask(f"{url}/api/messages?to=anna@example.org")
    assert summary["subject"] == "Здравствуйте <b>"
    assert ask(f"{url}/api/messages?to=ben@example.org")[1] == []
    _, details, _ = ask(f"{url}/api/messages/{summary['id']}")
    assert details["text"].startswith("Go to")
    assert ["Subject", "Здравствуйте <b>"] in details["headers"]
    _, page, _ = ask(f"{url}/mail/{summary['id']}")
    assert '<a href="http://localhost:1/a?b=1&amp;c=2">' in page
    assert "<b>" not in page
    _, html, headers = ask(f"{url}/mail/{summary['id']}/html")
    assert "Hello" in html
    assert headers["Content-Security-Policy"].startswith("sandbox")
    assert ask(f"{url}/api/messages", method="DELETE")[0] == 200
    assert ask(f"{url}/api/messages")[1] == []


def test_other_sites_cannot_read_the_mail(url):
    assert ask(f"{url}/api/messages", Host="evil.example")[0] == 403
    assert ask(f"{url}/api/messages", method="DELETE", Origin="https://evil.example")[0] == 403
    assert ask(f"{url}/api/messages", Origin="http://localhost:1")[0] == 200


def test_pages_that_are_none_say_so(url):
    assert ask(f"{url}/nothing")[0] == 404
    assert ask(f"{url}/mail/7")[0] == 404
    assert ask(f"{url}/style.css", b"")[0] == 405
