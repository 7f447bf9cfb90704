"""Customers with money, staff with roles, and withdrawals taken as far as a test needs them."""

from __future__ import annotations

import itertools
from typing import Any

from django.contrib.auth.models import Group
from django.utils import timezone

from accounts.activity import Origin
from accounts.freezes import ask_to_thaw
from accounts.models import User
from payouts import address_book, withdrawals
from payouts.links import address_token, confirmation_token
from payouts.models import SavedAddress, WithdrawalRequest
from payouts.postings import available, reserved
from tests.support.approvers import introduce
from tests.support.factors import give_app, given_now, proven
from treasury import ledger
from treasury.ledger import Posting
from treasury.orders import order_results

PASSWORD = "correct horse 1"
ORIGIN = Origin(ip_address="192.0.2.7", user_agent="Firefox")
USDT = 1_000_000
RECIPIENT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
OTHER_RECIPIENT = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"

_numbers = itertools.count(1)


def a_customer(*, micro: int = 0, language: str = "en", only_saved: bool = False, **fields: Any) -> User:
    """A customer with `micro` available, who allows withdrawals to any address; `only_saved`: as everybody begins."""
    user = User.objects.create_user(f"customer{next(_numbers)}@example.com", PASSWORD, **fields)
    user.profile.language = language
    user.profile.any_address_from = None if only_saved else timezone.now()
    user.profile.save()
    give_app(user)
    if micro:
        fund(user, micro)
    return user


def fund(user: User, micro: int) -> None:
    ledger.post(
        Posting(
            key=f"test-deposit:{user.pk}:{next(_numbers)}",
            debit="asset:arbitrum:deposit",
            credit=available(user.pk),
            amount=micro,
            kind="deposit",
        )
    )


def staff(*roles: str) -> User:
    """A member of the staff with these roles."""
    user = User.objects.create_user(f"staff{next(_numbers)}@example.com", PASSWORD, is_staff=True)
    factor = give_app(user)
    if "support" in roles:
        introduce(factor)
    user.profile.any_address_from = timezone.now()
    user.profile.save()
    user.groups.set(Group.objects.filter(name__in=roles))
    assert user.groups.count() == len(roles)
    return user


def thaw(user: User) -> None:
    """Two of the staff let the customer's withdrawals go again."""
    for _person in range(2):
        ask_to_thaw(user_id=user.pk, reason="spoke with them", actor=staff("support"))


def funds(user: User) -> tuple[int, int]:
    """(available, reserved), micro-USDT."""
    found = ledger.balances([available(user.pk), reserved(user.pk)])
    return found[available(user.pk)], found[reserved(user.pk)]


def ask(user: User, micro: int = 40 * USDT, **changes: Any) -> WithdrawalRequest:
    given: dict[str, Any] = {
        "customer_id": user.pk,
        "network": "arbitrum",
        "address": RECIPIENT,
        "amount_micro": micro,
        "idempotency_key": f"form-{next(_numbers)}",
        "step_up": proven(user),
        "origin": ORIGIN,
    }
    return withdrawals.request_withdrawal(**(given | changes))


def add(user: User, address: str = RECIPIENT, *, network: str = "arbitrum", **changes: Any) -> SavedAddress:
    """An entry of the user's address book, not confirmed yet."""
    given: dict[str, Any] = {
        "customer_id": user.pk,
        "label": "My wallet",
        "network": network,
        "address": address,
        "step_up": proven(user),
        "origin": ORIGIN,
    }
    return address_book.add_address(**(given | changes))


def saved(user: User, address: str = RECIPIENT, **changes: Any) -> SavedAddress:
    """A confirmed entry, whose first hours begin now."""
    return confirm_address(add(user, address, **changes))


def confirm_address(entry: SavedAddress) -> SavedAddress:
    return address_book.confirm_address(token=address_token(entry), customer_id=entry.customer_id, origin=ORIGIN)


def confirm(row: WithdrawalRequest) -> WithdrawalRequest:
    return withdrawals.confirm_withdrawal(token=confirmation_token(row), customer_id=row.customer_id, origin=ORIGIN)


def approve(row: WithdrawalRequest, actor: User, **changes: Any) -> WithdrawalRequest:
    given: dict[str, Any] = {
        "withdrawal_id": row.pk,
        "actor": actor,
        "revision": row.revision,
        "step_up": given_now(actor),
        "origin": ORIGIN,
    }
    return withdrawals.approve_withdrawal(**(given | changes))


def in_review(user: User, micro: int = 40 * USDT, **changes: Any) -> WithdrawalRequest:
    return confirm(ask(user, micro, **changes))


def approved(user: User, micro: int = 40 * USDT, *, by: User | None = None, **changes: Any) -> WithdrawalRequest:
    return approve(in_review(user, micro, **changes), by or staff("support"))


def states_told(row: WithdrawalRequest) -> list[tuple[str, str]]:
    """The timeline, oldest first."""
    return list(row.events.order_by("id").values_list("from_state", "to_state"))


def order_state(row: WithdrawalRequest) -> str:
    return order_results([row.reference])[row.reference].state
