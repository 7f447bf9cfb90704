"""A customer's wish to be paid out, and everything that was decided about it."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from treasury.fields import EvidenceField, UnitsField


class WithdrawalRequest(models.Model):
    """The recipient gets `amount_micro`; the customer's account is debited that and `fee_micro`."""

    class State(models.TextChoices):
        REQUESTED = "requested", _("Waiting for your confirmation")
        CONFIRMED = "confirmed", _("Confirmed by you")
        IN_REVIEW = "in_review", _("In review")
        ON_HOLD = "on_hold", _("On hold")
        APPROVED = "approved", _("Approved")
        ORDERED = "ordered", _("Being sent")
        SENT = "sent", _("Sent to the network")
        PAID = "paid", _("Completed")
        FAILED = "failed", _("Failed")
        RETURNED = "returned", _("Returned to your balance")
        EXPIRED = "expired", _("Expired")
        CANCELLED = "cancelled", _("Cancelled")
        REJECTED = "rejected", _("Rejected")

    public_id = models.UUIDField(_("number"), default=uuid.uuid4, unique=True, editable=False)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="withdrawals", verbose_name=_("customer")
    )
    idempotency_key = models.CharField(_("form's key"), max_length=64)
    network = models.CharField(_("network"), max_length=16)
    address = models.CharField(_("address"), max_length=64)
    amount_micro = UnitsField(_("amount, micro-USDT"))
    fee_micro = UnitsField(_("fee, micro-USDT"))
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.REQUESTED)
    revision = models.PositiveIntegerField(
        _("revision"), default=1, help_text=_("Raised by each change of address, network or amount.")
    )
    approvals_required = models.PositiveSmallIntegerField(_("approvals required"), default=1)
    requested_at = models.DateTimeField(_("requested at"), auto_now_add=True)
    confirm_by = models.DateTimeField(_("to be confirmed by"))
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True, blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("claimed by"),
    )
    claimed_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    hold_until = models.DateTimeField(_("held until"), null=True, blank=True)
    reason_for_customer = models.CharField(_("reason shown to the customer"), max_length=500, blank=True)
    tx_hash = models.CharField(_("transaction"), max_length=66, blank=True)
    resembles = models.CharField(
        _("looks like"),
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text=_("An address of this customer with the same ends. They were warned, and went on."),
    )

    class Meta:
        verbose_name = _("withdrawal request")
        verbose_name_plural = _("withdrawal requests")
        permissions = (
            ("review_withdrawalrequest", "Can claim withdrawal requests and add notes"),
            ("approve_withdrawalrequest", "Can approve withdrawal requests"),
            ("hold_withdrawalrequest", "Can hold and release withdrawal requests"),
            ("reject_withdrawalrequest", "Can reject withdrawal requests"),
            ("resolve_failed_withdrawalrequest", "Can retry or return failed withdrawals"),
        )
        constraints = (
            models.UniqueConstraint(fields=["customer", "idempotency_key"], name="withdrawal_form_once"),
            models.CheckConstraint(condition=models.Q(amount_micro__gt=0), name="withdrawal_amount_positive"),
            models.CheckConstraint(condition=models.Q(fee_micro__gte=0), name="withdrawal_fee_not_negative"),
        )
        indexes = (
            models.Index(fields=["customer", "-id"], name="withdrawal_by_customer"),
            models.Index(fields=["state", "-id"], name="withdrawal_by_state"),
            models.Index(fields=["network", "id"], name="withdrawal_to_pay", condition=models.Q(state="approved")),
            models.Index(fields=["confirm_by"], name="withdrawal_to_expire", condition=models.Q(state="requested")),
            # What the staff's queue reads: every tab, filter and search of it stays flat as the table grows.
            models.Index(
                fields=["claimed_by", "id"],
                name="withdrawal_claimed",
                condition=models.Q(state__in=["in_review", "on_hold"]),
            ),
            models.Index(
                fields=["id"],
                name="withdrawal_second",
                condition=models.Q(state="in_review", approvals_required__gt=1),
            ),
            models.Index(
                fields=["id"],
                name="withdrawal_under_way",
                condition=models.Q(state__in=["approved", "ordered", "sent"]),
            ),
            models.Index(fields=["customer", "address"], name="withdrawal_paid_to", condition=models.Q(state="paid")),
            models.Index(fields=["address", "-id"], name="withdrawal_by_address"),
            models.Index(fields=["tx_hash"], name="withdrawal_by_tx_hash", condition=~models.Q(tx_hash="")),
            models.Index(fields=["requested_at"], name="withdrawal_by_time"),
            models.Index(fields=["amount_micro"], name="withdrawal_by_amount"),
            models.Index(
                fields=["closed_at"],
                name="withdrawal_paid_when",
                condition=models.Q(state="paid"),
                include=["network", "amount_micro"],
            ),
            models.Index(fields=["confirmed_at"], name="withdrawal_waiting", condition=models.Q(state="in_review")),
        )

    def __str__(self) -> str:
        return f"W-{self.pk}"

    @property
    def debit_micro(self) -> int:
        """What leaves the customer's account: amount and fee, micro-USDT."""
        return self.amount_micro + self.fee_micro

    @property
    def reference(self) -> str:
        """What the payment order of this request is called in treasury."""
        return f"withdrawal:{self.pk}"


class WithdrawalApproval(models.Model):
    """One person's yes to one revision. Append-only; a new revision leaves it behind."""

    withdrawal = models.ForeignKey(
        WithdrawalRequest, on_delete=models.PROTECT, related_name="approvals", verbose_name=_("withdrawal")
    )
    revision = models.PositiveIntegerField(_("revision"))
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("approver")
    )
    approved_at = models.DateTimeField(_("approved at"))
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    digest = models.CharField(_("digest of what was approved"), max_length=64)
    evidence = EvidenceField(_("what their second factor left behind"), default=dict, db_default={})
    ip_address = models.GenericIPAddressField(_("IP address"), null=True, blank=True)

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        constraints = (
            models.UniqueConstraint(fields=["withdrawal", "revision", "approver"], name="withdrawal_approval_once"),
        )

    def __str__(self) -> str:
        return f"{self.withdrawal_id}: {self.approver_id}"


class WithdrawalEvent(models.Model):
    """The timeline: each change of state, by whom and why. Append-only."""

    withdrawal = models.ForeignKey(
        WithdrawalRequest, on_delete=models.PROTECT, related_name="events", verbose_name=_("withdrawal")
    )
    from_state = models.CharField(_("from"), max_length=12, blank=True)
    to_state = models.CharField(_("to"), max_length=12)
    at = models.DateTimeField(_("at"), auto_now_add=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("actor"),
    )
    reason = models.CharField(_("reason"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("timeline")
        indexes = (models.Index(fields=["withdrawal", "id"], name="withdrawal_event_order"),)

    def __str__(self) -> str:
        return f"{self.from_state} -> {self.to_state}"


class WithdrawalNote(models.Model):
    """A note among staff."""

    withdrawal = models.ForeignKey(
        WithdrawalRequest, on_delete=models.PROTECT, related_name="notes", verbose_name=_("withdrawal")
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("author")
    )
    at = models.DateTimeField(_("at"), auto_now_add=True)
    text = models.TextField(_("note"), max_length=2000)

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")

    def __str__(self) -> str:
        return self.text[:40]
