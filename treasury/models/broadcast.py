"""Payments on their way to a chain: the order, its evidence, and each transaction made for it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from treasury.fields import EvidenceField, UnitsField

from .wallet import Wallet


class PaymentOrder(models.Model):
    """Pay `amount_micro` to `address`, once. Immutable but for its state and its place in the nonce sequence.

    `reference` names what it is for, in the words of whoever ordered it; treasury never looks behind it.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        SETTLED = "settled", _("Settled")
        DEAD = "dead", _("Dead")

    reference = models.CharField(_("reference"), max_length=80)
    network = models.CharField(_("network"), max_length=16)
    address = models.CharField(_("address"), max_length=64)
    amount_micro = UnitsField(_("amount, micro-USDT"))
    revision = models.PositiveIntegerField(_("revision that was approved"))
    approvals_required = models.PositiveSmallIntegerField(_("approvals required"))
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.OPEN)
    dead_reason = models.CharField(_("why it is dead"), max_length=200, blank=True)
    wallet = models.ForeignKey(
        Wallet, on_delete=models.PROTECT, null=True, blank=True, related_name="orders", verbose_name=_("wallet")
    )
    nonce = models.BigIntegerField(_("nonce"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("payment order")
        verbose_name_plural = _("payment orders")
        constraints = (
            models.UniqueConstraint(
                fields=["reference"],
                condition=models.Q(state__in=["open", "settled"]),
                name="payment_order_one_live_per_reference",
            ),
            models.UniqueConstraint(fields=["wallet", "nonce"], name="payment_order_one_per_nonce"),
            models.CheckConstraint(condition=models.Q(amount_micro__gt=0), name="payment_order_amount_positive"),
            models.CheckConstraint(
                condition=models.Q(wallet=None, nonce=None) | models.Q(wallet__isnull=False, nonce__gte=0),
                name="payment_order_nonce_with_wallet",
            ),
        )
        indexes = (models.Index(fields=["network", "id"], name="payment_order_open", condition=models.Q(state="open")),)

    def __str__(self) -> str:
        return f"{self.reference} {self.amount_micro} -> {self.network}:{self.address}"


class PaymentApproval(models.Model):
    """Evidence of one person's approval, over a digest of exactly what is to be paid. Append-only."""

    order = models.ForeignKey(PaymentOrder, on_delete=models.PROTECT, related_name="approvals", verbose_name=_("order"))
    approver_id = models.BigIntegerField(_("approver's id"))
    approver_label = models.CharField(_("approver"), max_length=254)
    approved_at = models.DateTimeField(_("approved at"))
    revision = models.PositiveIntegerField(_("revision"))
    digest = models.CharField(_("digest"), max_length=64)
    evidence = EvidenceField(_("what their second factor left behind"), default=dict, db_default={})

    class Meta:
        verbose_name = _("payment approval")
        verbose_name_plural = _("payment approvals")
        constraints = (models.UniqueConstraint(fields=["order", "approver_id"], name="payment_approval_once"),)

    def __str__(self) -> str:
        return f"{self.approver_label}: {self.order_id}"


class Broadcast(models.Model):
    """One transaction: its whole unsigned payload, then its signed bytes and hash, then its fate.

    All broadcasts of an order share its wallet and nonce. On EVM networks at most one of them can be mined for that. On
    TRON the nonce is only our own count, and a next attempt exists only once the one before is proven dead.
    """

    class Purpose(models.TextChoices):
        PAYMENT = "payment", _("Payment")
        NOOP = "noop", _("Fills the nonce")  # pays nobody: closes a gap, or takes the place of a payment

    class State(models.TextChoices):
        RESERVED = "reserved", _("Waiting for the signer")
        REFUSED = "refused", _("Refused by the signer")
        SIGNED = "signed", _("Signed")
        SENT = "sent", _("Sent")
        MINED = "mined", _("Mined")
        REPLACED = "replaced", _("Replaced")
        FINAL_OK = "final_ok", _("Final")
        FINAL_REVERTED = "final_reverted", _("Reverted")
        DEAD = "dead", _("Dead")

    order = models.ForeignKey(
        PaymentOrder, on_delete=models.PROTECT, related_name="broadcasts", verbose_name=_("order")
    )
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=1)
    purpose = models.CharField(_("purpose"), max_length=8, choices=Purpose.choices, default=Purpose.PAYMENT)
    network = models.CharField(_("network"), max_length=16)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="broadcasts", verbose_name=_("wallet"))
    nonce = models.BigIntegerField(_("nonce"))
    state = models.CharField(_("state"), max_length=16, choices=State.choices, default=State.RESERVED)
    # The payload, whole: what the signer rebuilds from the order and compares.
    to_address = models.CharField(_("called address"), max_length=64)
    data = models.BinaryField(_("call data"), max_length=512)
    gas_limit = models.BigIntegerField(_("gas limit"), null=True, blank=True)
    max_fee_wei = UnitsField(_("max fee per gas, wei"), null=True, blank=True)
    max_priority_fee_wei = UnitsField(_("max priority fee per gas, wei"), null=True, blank=True)
    # The same on TRON: what may be burnt, the 2 and 8 bytes of the reference block, and the times in the bytes.
    fee_limit_sun = models.BigIntegerField(_("fee limit, sun"), null=True, blank=True)
    ref_block = models.BinaryField(_("reference block"), null=True, blank=True, max_length=10)
    expiration_ms = models.BigIntegerField(_("expiration, ms"), null=True, blank=True)
    timestamp_ms = models.BigIntegerField(_("timestamp, ms"), null=True, blank=True)
    # Written by the signer's role only.
    signed_bytes = models.BinaryField(_("signed bytes"), null=True, blank=True, max_length=1024)
    tx_hash = models.CharField(_("transaction"), max_length=66, null=True, blank=True)  # noqa: DJ001  # unique when set
    signed_at = models.DateTimeField(_("signed at"), null=True, blank=True)
    refusal = models.CharField(_("why the signer refused"), max_length=200, blank=True)
    # The chain's answers.
    reserved_at = models.DateTimeField(_("reserved at"), auto_now_add=True)
    sent_at = models.DateTimeField(_("first sent at"), null=True, blank=True)
    last_sent_at = models.DateTimeField(_("last sent at"), null=True, blank=True)
    sends = models.PositiveIntegerField(_("sends"), default=0)
    block_number = models.BigIntegerField(_("block"), null=True, blank=True)
    block_hash = models.CharField(_("block's hash"), max_length=66, blank=True)
    gas_used = models.BigIntegerField(_("gas used"), null=True, blank=True)
    fee_native = UnitsField(_("network fee, in the native coin's smallest unit"), null=True, blank=True)
    final_at = models.DateTimeField(_("final at"), null=True, blank=True)
    last_error = models.CharField(_("last answer"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("broadcast")
        verbose_name_plural = _("broadcasts")
        constraints = (
            models.UniqueConstraint(fields=["order", "attempt"], name="broadcast_attempt_once"),
            models.UniqueConstraint(fields=["tx_hash"], name="broadcast_tx_hash_once"),
            models.UniqueConstraint(
                fields=["order"],
                condition=models.Q(state__in=["reserved", "signed", "sent", "mined"]),
                name="broadcast_one_live_per_order",
            ),
            models.UniqueConstraint(
                fields=["wallet", "nonce"],
                condition=models.Q(state__in=["final_ok", "final_reverted"]),
                name="broadcast_one_final_per_nonce",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["reserved", "refused", "replaced", "dead"])
                | models.Q(signed_bytes__isnull=False, tx_hash__isnull=False),
                name="broadcast_signed_before_sent",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    gas_limit__isnull=False,
                    max_fee_wei__isnull=False,
                    max_priority_fee_wei__isnull=False,
                    fee_limit_sun=None,
                    ref_block=None,
                    expiration_ms=None,
                    timestamp_ms=None,
                )
                | models.Q(
                    gas_limit=None,
                    max_fee_wei=None,
                    max_priority_fee_wei=None,
                    fee_limit_sun__gt=0,
                    ref_block__isnull=False,
                    expiration_ms__gt=models.F("timestamp_ms"),
                    timestamp_ms__gt=0,
                ),
                name="broadcast_payload_of_one_family",
            ),
        )
        indexes = (
            models.Index(
                fields=["network", "state", "wallet", "nonce"],
                name="broadcast_live",
                condition=models.Q(state__in=["reserved", "refused", "signed", "sent", "mined"]),
            ),
        )

    def __str__(self) -> str:
        return f"{self.network} nonce {self.nonce} #{self.attempt} {self.state}"


class SigningRecord(models.Model):
    """The signer's own log, which its caps are counted from. Only its role may add to it; nobody changes it."""

    broadcast = models.ForeignKey(Broadcast, on_delete=models.PROTECT, related_name="+", verbose_name=_("broadcast"))
    order = models.ForeignKey(PaymentOrder, on_delete=models.PROTECT, related_name="+", verbose_name=_("order"))
    purpose = models.CharField(_("purpose"), max_length=8)
    network = models.CharField(_("network"), max_length=16)
    address = models.CharField(_("address"), max_length=64)
    amount_micro = UnitsField(_("amount, micro-USDT"))
    nonce = models.BigIntegerField(_("nonce"))
    tx_hash = models.CharField(_("transaction"), max_length=66)
    # When the bytes die by themselves (TRON); empty where only another transaction at their nonce ends them.
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    signed_at = models.DateTimeField(_("signed at"), auto_now_add=True)

    class Meta:
        verbose_name = _("signing record")
        verbose_name_plural = _("signing records")
        constraints = (models.UniqueConstraint(fields=["broadcast"], name="signing_record_once"),)
        indexes = (
            models.Index(fields=["signed_at"], name="signing_record_time"),
            models.Index(fields=["order"], name="signing_record_order"),
        )

    def __str__(self) -> str:
        return f"{self.network} {self.nonce} {self.tx_hash}"
