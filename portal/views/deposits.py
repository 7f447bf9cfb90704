"""How money comes in: choose a network, see the address, watch what arrives."""

from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlencode

import segno
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.people import customer_of
from portal.templatetags.portal import confirmations
from treasury import selectors
from treasury.addresses import AddressError, deposit_address_for
from treasury.chains import registry
from treasury.chains.network import Network
from treasury.models import Deposit
from treasury.money import format_usdt
from treasury.selectors import DepositView

# What a network is called by those who send: the token's standard there.
STANDARDS = {"bsc": "BEP-20", "tron": "TRC-20"}
LISTED = 10


@dataclass(frozen=True)
class NetworkCard:
    """A network as something to choose."""

    network: Network
    is_halted: bool

    @property
    def full_name(self) -> str:
        """The name with the token's standard, where senders know the network by that."""
        standard = STANDARDS.get(self.network.code)
        return f"{self.network.name} ({standard})" if standard else self.network.name

    @property
    def seconds(self) -> int:
        """How long a deposit takes to be credited, in the usual case."""
        return expected_seconds(self.network)


def expected_seconds(network: Network) -> int:
    return round(network.confirmations * network.block_seconds) + 5


def cards() -> list[NetworkCard]:
    halted = {status.code for status in selectors.network_statuses() if status.is_halted}
    return [NetworkCard(network, code in halted) for code, network in registry.networks().items()]


@login_required
@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    """No network is chosen beforehand: sending on the wrong one is the usual way to lose a deposit."""
    customer = customer_of(request)
    return render(
        request,
        "portal/deposit.html",
        {"cards": cards(), "live": live_list(customer.pk)},
    )


@login_required
@never_cache
@require_safe
def network(request: HttpRequest, network: str) -> HttpResponse:
    """The address of the customer on `network`, and what has arrived there."""
    card = next((card for card in cards() if card.network.code == network), None)
    if card is None:
        raise Http404
    customer = customer_of(request)
    address, problem = "", ""
    try:
        address = deposit_address_for(customer_id=customer.pk, family=card.network.family)
    except AddressError as error:
        problem = str(error.message)
    return render(
        request,
        "portal/deposit_network.html",
        {
            "card": card,
            "network": card.network,
            "address": address,
            "problem": problem,
            "qr": qr_code(address) if address else "",
            "siblings": siblings(card.network),
            "live": live_list(customer.pk, network),
        },
    )


@login_required
@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The list of deposits alone, for the page that shows it to refresh; 204 when it would look the same."""
    code = request.GET.get("network", "")
    if code and code not in registry.networks():
        raise Http404
    found = live_list(customer_of(request).pk, code, waiting_only=request.GET.get("waiting") == "1")
    if request.GET.get("seen") == found.digest:
        return HttpResponse(status=204)
    return render(request, "portal/parts/deposits_live.html", {"live": found, "refreshed": True})


@dataclass(frozen=True)
class LiveList:
    """Deposits on a page that refreshes by itself. `network` "" means all."""

    deposits: list[DepositView]
    network: str = ""
    waiting_only: bool = False

    @property
    def query(self) -> str:
        """What the fragment is asked with."""
        return urlencode({"network": self.network, "waiting": int(self.waiting_only), "seen": self.digest})

    @property
    def seconds(self) -> int:
        """Until the next look: soon while something is under way."""
        return 2 if any(deposit.is_waiting for deposit in self.deposits) else 3

    @property
    def digest(self) -> str:
        """Changes when the list would look different."""
        shown = [(d.id, d.state, d.progress.confirmations_seen, d.progress.confirmations_needed) for d in self.deposits]
        return sha256(f"{get_language()}{shown}".encode()).hexdigest()[:16]

    @property
    def said(self) -> str:
        """What a screen reader says of the newest one, instead of reading the whole list again."""
        if not self.deposits:
            return ""
        newest = self.deposits[0]
        said = confirmations(newest.progress) if newest.state == Deposit.State.SEEN else newest.state_label
        return f"{format_usdt(newest.amount_micro, get_language() or '')} {newest.asset}: {said}"


def live_list(customer_id: int, network: str = "", *, waiting_only: bool = False) -> LiveList:
    if waiting_only:
        return LiveList(selectors.waiting_deposits_of(customer_id, network=network), network, waiting_only=True)
    return LiveList(selectors.deposits_of(customer_id, network=network, limit=LISTED), network)


def siblings(network: Network) -> list[Network]:
    """Other networks on which the same address is the customer's too."""
    return [other for other in registry.networks().values() if other.family == network.family and other != network]


def qr_code(address: str) -> SafeString:
    """The address as an inline SVG. Plain text: every wallet reads it."""
    code = segno.make_qr(address, error="m")
    svg = code.svg_inline(border=0, scale=1, omitsize=True, dark="#111", light=None, svgclass=None, lineclass=None)
    label = _("QR code of the deposit address")
    return mark_safe(svg.replace("<svg", f'<svg role="img" aria-label="{label}" data-testid="deposit-qr"', 1))  # noqa: S308
