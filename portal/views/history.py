"""All movements of a customer in one list."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from payouts import selectors
from portal.people import customer_of
from treasury.chains import registry

KINDS: dict[str, str | Promise] = {"": _("All"), "deposits": _("Deposits"), "withdrawals": _("Withdrawals")}
PAGE = 20


@dataclass(frozen=True)
class Choice:
    """One value of a filter, as a link."""

    label: str | Promise
    url: str
    is_chosen: bool


@login_required
@never_cache
@require_safe
def history(request: HttpRequest) -> HttpResponse:
    names: dict[str, str | Promise] = {"": _("All networks")}
    names |= {code: network.name for code, network in registry.networks().items()}
    kind, network, before = (request.GET.get(name, "") for name in ("kind", "network", "before"))
    if kind not in KINDS or network not in names:
        raise Http404
    try:
        found = selectors.movements_of(
            customer_of(request).pk, kind=kind, network=network, before=before or None, limit=PAGE
        )
    except ValueError as error:
        raise Http404 from error
    return render(
        request,
        "portal/history.html",
        {
            "movements": found.rows,
            "kinds": [Choice(label, url(value, network), value == kind) for value, label in KINDS.items()],
            "networks": [Choice(label, url(kind, code), code == network) for code, label in names.items()],
            "older_url": url(kind, network, found.before) if found.before else "",
            "newest_url": url(kind, network) if before else "",
        },
    )


def url(kind: str, network: str, before: str = "") -> str:
    """This page with these filters."""
    given = {"kind": kind, "network": network, "before": before}
    return "?" + urlencode({name: value for name, value in given.items() if value})
