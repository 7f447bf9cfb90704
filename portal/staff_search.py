"""Ctrl+K: paste a number, an e-mail address, an address or a hash, and land on its page."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from unfold.dataclasses import SearchResult

from accounts.models import Customer
from payouts.models import WithdrawalRequest
from treasury.chains import registry
from treasury.models import Broadcast, Deposit, DepositAddress

HASH_LENGTH = 66
LIMIT = 10


def find_anything(request: HttpRequest, term: str) -> list[SearchResult]:
    """Exact hits only, each by an index, among what this person may see. `term` comes in lower case."""
    may = request.user.has_perm
    found: list[SearchResult] = []
    if may("payouts.view_withdrawalrequest"):
        found += _withdrawals(term)
    if may("accounts.view_customer"):
        found += _customers(term)
    if may("treasury.view_deposit") and len(term) == HASH_LENGTH:
        found += _deposits(term)
    if may("treasury.view_broadcast") and len(term) == HASH_LENGTH:
        found += _broadcasts(term)
    return found


def _withdrawals(term: str) -> Iterator[SearchResult]:
    number = term.removeprefix("w-")
    rows = WithdrawalRequest.objects.none()
    if number.isascii() and number.isdecimal() and len(number) < 19:
        rows = WithdrawalRequest.objects.filter(pk=int(number))
    elif len(term) == HASH_LENGTH:
        rows = WithdrawalRequest.objects.filter(tx_hash=term).exclude(tx_hash="")
    for row in rows[:LIMIT]:
        link = reverse("admin:payouts_withdrawalrequest_change", args=[row.pk])
        yield SearchResult(str(row), _("Withdrawal"), link, "outbox")


def _customers(term: str) -> Iterator[SearchResult]:
    rows = Customer.objects.filter(is_staff=False)
    if "@" in term:
        rows = rows.filter(email=term)
    elif term.startswith("0x") and len(term) < HASH_LENGTH:
        rows = rows.filter(pk__in=DepositAddress.objects.filter(address=_checksummed(term)).values("customer"))
    else:
        return
    for row in rows[:LIMIT]:
        yield SearchResult(row.email, _("Customer"), reverse("admin:accounts_customer_change", args=[row.pk]), "person")


def _deposits(term: str) -> Iterator[SearchResult]:
    for row in Deposit.objects.filter(network__in=list(registry.networks()), tx_hash=term)[:LIMIT]:
        link = reverse("admin:treasury_deposit_change", args=[row.pk])
        yield SearchResult(f"D-{row.pk}", _("Deposit"), link, "move_to_inbox")


def _broadcasts(term: str) -> Iterator[SearchResult]:
    for row in Broadcast.objects.filter(tx_hash=term)[:LIMIT]:
        link = reverse("admin:treasury_broadcast_change", args=[row.pk])
        yield SearchResult(f"B-{row.pk}", _("Broadcast"), link, "cell_tower")


def _checksummed(term: str) -> str:
    """The command search lowers what is typed; addresses are stored in their checksummed form."""
    from treasury.chains.addresses import parse_address
    from treasury.chains.errors import InvalidAddress

    try:
        return parse_address("evm", term)
    except InvalidAddress:
        return term
