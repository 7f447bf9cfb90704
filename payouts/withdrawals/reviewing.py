"""Staff approve a payment: each of them to exactly this address, amount and network."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import activity, holds
from accounts.activity import Origin
from accounts.models import User, UserProfile
from accounts.second_factor import Proof, StepUp, StepUpMissing, verify_step_up
from accounts.wake import wake
from payouts import emails, errors, policy
from payouts.models import WithdrawalApproval, WithdrawalRequest
from payouts.states import Party, State
from payouts.transitions import locked, move
from treasury import failpoints
from treasury.approver_keys import known_keys

from .facts import doubts_about, payment_facts
from .staff import APPROVE, UNCLAIMED, permitted, require

START_TASK = "payouts.tasks.start_payouts"


def approve_withdrawal(
    *,
    withdrawal_id: int,
    actor: User,
    revision: int,
    reason: str = "",
    step_up: StepUp,
    origin: Origin | None = None,
) -> WithdrawalRequest:
    """Record `actor`'s yes to `revision`; with the last one that is needed the request is approved and paid.

    Nobody approves their own request, or one request twice. `revision` is what the dialog showed. The second factor is
    given for this approval and no other, a passkey's challenge being `approval_digest_of` the request; it is one that
    the signer knows, since what it leaves behind is what the signer goes by.
    Raises NotPermitted, StepUpFailed, UnknownToSigner, WithdrawalNotFound, OwnRequest, StaleRevision, WrongState,
    ClaimedByAnother, AlreadyApprovedByYou, CustomerFrozen, CustomerHeld, ApprovalsVoid.
    """
    approver = permitted(actor, APPROVE)
    proof = verify_step_up(user=approver, credential=step_up, origin=origin)
    if proof.witness is None:
        raise StepUpMissing  # of minutes ago: whatever it was given for, it was not this
    if proof.witness.key not in known_keys(approver.pk):
        raise errors.UnknownToSigner
    with transaction.atomic(durable=True):
        row = locked(withdrawal_id)
        require(row, revision=revision, states=(State.IN_REVIEW,), actor=approver)
        if UserProfile.objects.filter(user_id=row.customer_id, withdrawals_frozen_at__isnull=False).exists():
            raise errors.CustomerFrozen
        held_until = holds.held_until(row.customer_id)
        if held_until is not None:
            raise errors.CustomerHeld(held_until)
        already = list(WithdrawalApproval.objects.filter(withdrawal=row, revision=row.revision))
        void = doubts_about(already)
        if void:
            _void(row, approver, origin)
        else:
            _approve(row, already, approver, proof, reason.strip(), origin)
        failpoints.hit("before_approve_commit")
    failpoints.hit("after_approve_commit")
    if void:
        raise errors.ApprovalsVoid
    return row


def _void(row: WithdrawalRequest, actor: User, origin: Origin | None) -> None:
    """An earlier approval is worth nothing to the signer (any more): all begins again, at the next revision."""
    row.revision += 1
    WithdrawalRequest.objects.filter(pk=row.pk).update(revision=row.revision, **UNCLAIMED)
    activity.record(
        actor=actor, action="withdrawal.approvals_voided", target=row, facts={"revision": row.revision}, origin=origin
    )


def approval_digest_of(row: WithdrawalRequest) -> str:
    """What an approval of this request, as it reads now, is an approval of: 64 hex digits, a passkey's challenge."""
    return policy.digest_of(payment_facts(row))


def _approve(
    row: WithdrawalRequest,
    already: list[WithdrawalApproval],
    approver: User,
    proof: Proof,
    reason: str,
    origin: Origin | None,
) -> None:
    if any(each.approver_id == approver.pk for each in already):
        raise errors.AlreadyApprovedByYou
    digest = approval_digest_of(row)
    approval = WithdrawalApproval.objects.create(
        withdrawal=row,
        revision=row.revision,
        approver=approver,
        approved_at=timezone.now(),
        reason=reason[:500],
        digest=digest,
        evidence=proof.evidence_of(digest),
        ip_address=origin.ip_address if origin else None,
    )
    approvals = [*already, approval]
    # Fixed at review, but never below what the policy asks for now.
    required = max(
        row.approvals_required, policy.approvals_required(row.amount_micro, settings.WITHDRAWAL_FOUR_EYES_FROM_MICRO)
    )
    _audit(row, approver, approvals, required, reason, origin)
    if len(approvals) < required:
        WithdrawalRequest.objects.filter(pk=row.pk).update(approvals_required=required, **UNCLAIMED)
        row.approvals_required, row.claimed_by, row.claimed_until = required, None, None
        emails.ask_second_approver(row, approved_by=[each.approver_id for each in approvals])
        return
    event = move(
        row,
        State.APPROVED,
        by=Party.STAFF,
        actor=approver,
        origin=origin,
        reason=reason,
        approvals_required=required,
        decided_at=timezone.now(),
        **UNCLAIMED,
    )
    emails.tell_customer("approved", row, event)
    wake(START_TASK)


def _audit(
    row: WithdrawalRequest,
    approver: User,
    approvals: list[WithdrawalApproval],
    required: int,
    reason: str,
    origin: Origin | None,
) -> None:
    activity.record(
        actor=approver,
        action="withdrawal.approval_given",
        target=row,
        facts={
            "revision": row.revision,
            "approvals": len(approvals),
            "approvals_required": required,
            "digest": approvals[-1].digest,
            "reason": reason,
        },
        origin=origin,
    )
