"""The customer opens the link in the mail and presses the button: only then does anybody look at the request."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.activity import Origin
from accounts.models import User, UserProfile
from accounts.second_factor import StepUp, verify_step_up
from payouts import emails, errors, policy
from payouts.links import Confirmation, read_token
from payouts.models import WithdrawalRequest
from payouts.states import Party, State
from payouts.transitions import locked, move

from .facts import withdrawal_facts
from .quotes import known_network, raise_refusal


def withdrawal_of_link(*, token: str, customer_id: int) -> WithdrawalRequest:
    """The request that the link confirms, for the page with the button. Changes nothing.

    Raises LinkInvalid, LinkExpired, AlreadyConfirmed, AlreadyCancelled.
    """
    said = _read(token, customer_id)
    row = WithdrawalRequest.objects.filter(pk=said.withdrawal_id).first()
    if row is None:
        raise errors.LinkInvalid
    _require_open(row, said)
    if said.expired or _is_late(row):
        raise errors.LinkExpired(row.public_id)
    return row


def confirm_withdrawal(
    *, token: str, customer_id: int, step_up: StepUp | None = None, origin: Origin | None = None
) -> WithdrawalRequest:
    """Confirm the request of the link `token`, as the customer who is signed in; it goes to review.

    A link that comes too late closes the request and gives the money back. `step_up` is verified if it is given: the
    request itself has asked for one. Raises LinkInvalid, LinkExpired, AlreadyConfirmed, AlreadyCancelled,
    WithdrawalRefused (frozen or held meanwhile, network halted, address removed from the book), StepUpFailed.
    """
    said = _read(token, customer_id)
    customer = User.objects.get(pk=customer_id)
    if step_up is not None:
        verify_step_up(user=customer, credential=step_up, origin=origin)
    with transaction.atomic(durable=True):
        profile = UserProfile.objects.select_for_update(of=("self",)).select_related("user").get(user_id=customer_id)
        row = _locked(said)
        _require_open(row, said)
        late = _is_late(row)
        if late:
            _expire(row)
        elif not said.expired:
            _confirm(row, profile.user, origin)
    if late or said.expired:
        raise errors.LinkExpired(row.public_id)
    return row


def _read(token: str, customer_id: int) -> Confirmation:
    said = read_token(token)
    if said is None or said.customer_id != customer_id:
        raise errors.LinkInvalid
    return said


def _locked(said: Confirmation) -> WithdrawalRequest:
    try:
        return locked(said.withdrawal_id)
    except errors.WithdrawalNotFound as error:
        raise errors.LinkInvalid from error


def _require_open(row: WithdrawalRequest, said: Confirmation) -> None:
    """Raise what tells the customer why there is nothing to confirm."""
    if row.customer_id != said.customer_id or row.revision != said.revision:
        raise errors.LinkInvalid
    match row.state:
        case State.REQUESTED:
            return
        case State.EXPIRED:
            raise errors.LinkExpired(row.public_id)
        case State.CANCELLED:
            raise errors.AlreadyCancelled(row.public_id)
        case _:
            raise errors.AlreadyConfirmed(row.public_id)


def _is_late(row: WithdrawalRequest) -> bool:
    return timezone.now() > row.confirm_by


def _expire(row: WithdrawalRequest) -> None:
    event = move(row, State.EXPIRED, by=Party.SYSTEM, process="confirmation", reason="not confirmed in time")
    emails.tell_customer("expired", row, event)


def _confirm(row: WithdrawalRequest, customer: User, origin: Origin | None) -> None:
    network = known_network(row.network)
    decision = policy.decide_withdrawal(
        withdrawal_facts(
            customer=customer,
            network=network,
            address=row.address,
            amount_micro=row.amount_micro,
            fee_micro=row.fee_micro,
            reserved_already_micro=row.debit_micro,
            resemblance_accepted=True,  # they were asked when they made the request
        )
    )
    raise_refusal(decision, network)
    move(row, State.CONFIRMED, by=Party.CUSTOMER, actor=customer, origin=origin, confirmed_at=timezone.now())
    event = move(
        row,
        State.IN_REVIEW,
        by=Party.SYSTEM,
        process="policy",
        facts={"approvals_required": decision.approvals_required},
        approvals_required=decision.approvals_required,
    )
    emails.tell_customer("received", row, event)
