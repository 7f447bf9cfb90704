"""The secret in the confirmation mail: bound to one request, its customer, its revision and this purpose.

It is made when the mail is rendered and stored nowhere. It is good for one use because the request moves on, and for an
hour at most; the request's own `confirm_by` decides too.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.core import signing

from .models import WithdrawalRequest

PURPOSE = "payouts.withdrawal.confirm:v1"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a token says. `expired`: its hour is over; everything else about it holds."""

    withdrawal_id: int
    customer_id: int
    revision: int
    expired: bool


def confirmation_token(row: WithdrawalRequest) -> str:
    """The token for `row` as it is now."""
    return signing.dumps([row.pk, row.customer_id, row.revision], salt=PURPOSE)


def read_token(token: str) -> Confirmation | None:
    """What `token` says, or None for one that we did not make."""
    try:
        pk, customer_id, revision = signing.loads(token, salt=PURPOSE)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return Confirmation(int(pk), int(customer_id), int(revision), expired=_is_too_old(token))


def _is_too_old(token: str) -> bool:
    try:
        signing.loads(token, salt=PURPOSE, max_age=settings.WITHDRAWAL_CONFIRMATION_SECONDS)
    except signing.SignatureExpired:
        return True
    return False
