"""The customer changes their mind, until the payment is ordered."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from accounts.activity import Origin
from accounts.models import User
from payouts import emails, errors
from payouts.models import WithdrawalRequest
from payouts.states import Party, State
from payouts.transitions import locked, move

from .staff import UNCLAIMED


def cancel_withdrawal(
    *, withdrawal_id: int | UUID, customer_id: int, origin: Origin | None = None
) -> WithdrawalRequest:
    """Take the request back; the money is available again at once.

    Raises WithdrawalNotFound (also for somebody else's), WrongState once it is being paid or closed.
    """
    with transaction.atomic(durable=True):
        row = locked(withdrawal_id)
        if row.customer_id != customer_id:
            raise errors.WithdrawalNotFound
        customer = User.objects.get(pk=customer_id)
        event = move(
            row, State.CANCELLED, by=Party.CUSTOMER, actor=customer, origin=origin, hold_until=None, **UNCLAIMED
        )
        emails.tell_customer("cancelled", row, event)
    return row
