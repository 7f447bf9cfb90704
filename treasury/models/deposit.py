"""Money that arrived on a chain."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from treasury.fields import UnitsField

from .wallet import DepositAddress


class Deposit(models.Model):
    """One Transfer of the token to one of our addresses.

    Its identity is (network, tx_hash, ordinal among the token's Transfer logs of that transaction): a log's index in
    its block changes when the transaction is mined again, the ordinal does not.
    """

    class State(models.TextChoices):
        SEEN = "seen", _("Confirming")
        CONFIRMED = "confirmed", _("Confirmed")
        CREDITED = "credited", _("Credited")
        ORPHANED = "orphaned", _("Taken back by the chain")
        REVERSED = "reversed", _("Credit taken back")
        BELOW_MINIMUM = "below_minimum", _("Below the minimum")
        SUSPENDED = "suspended", _("Waiting for support")  # to an address of nobody, or a retired one

    network = models.CharField(_("network"), max_length=16)
    tx_hash = models.CharField(_("transaction"), max_length=66)
    ordinal = models.PositiveIntegerField(_("ordinal in the transaction"))
    block_number = models.BigIntegerField(_("block"))
    block_hash = models.CharField(_("block's hash"), max_length=66)
    log_index = models.PositiveIntegerField(_("log index"))
    deposit_address = models.ForeignKey(
        DepositAddress, on_delete=models.PROTECT, related_name="deposits", verbose_name=_("deposit address")
    )
    sender = models.CharField(_("sender"), max_length=64)
    amount_raw = UnitsField(_("amount in the token's units"), max_digits=78)
    amount_micro = UnitsField(_("amount, micro-USDT"))
    dust_raw = UnitsField(_("what is left under a micro, in the token's units"), default=0)
    state = models.CharField(_("state"), max_length=16, choices=State.choices, default=State.SEEN)
    seen_at = models.DateTimeField(_("seen at"), auto_now_add=True)
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True, blank=True)
    credited_at = models.DateTimeField(_("credited at"), null=True, blank=True)
    orphaned_at = models.DateTimeField(_("orphaned at"), null=True, blank=True)
    # Whom staff credited it to, if it was not credited to its address's customer by itself.
    credited_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("credited to"),
    )
    # Raised at each re-inclusion after a credit was taken back; part of the ledger key, so each credit happens once.
    inclusion = models.PositiveSmallIntegerField(_("inclusion"), default=1)

    class Meta:
        verbose_name = _("deposit")
        verbose_name_plural = _("deposits")
        constraints = (
            models.UniqueConstraint(fields=["network", "tx_hash", "ordinal"], name="deposit_once"),
            models.CheckConstraint(condition=models.Q(amount_raw__gt=0), name="deposit_amount_positive"),
            models.CheckConstraint(
                condition=models.Q(amount_micro__gte=0, dust_raw__gte=0), name="deposit_parts_not_negative"
            ),
        )
        indexes = (
            models.Index(
                fields=["network", "block_number"],
                name="deposit_open",
                condition=models.Q(state__in=["seen", "confirmed"]),
            ),
            models.Index(fields=["network", "block_number", "id"], name="deposit_by_block"),
            models.Index(fields=["deposit_address", "-id"], name="deposit_by_address"),
            models.Index(
                fields=["credited_at"],
                name="deposit_by_credit",
                condition=models.Q(state="credited"),
                include=["amount_micro"],
            ),
        )

    def __str__(self) -> str:
        return f"{self.network} {self.tx_hash}/{self.ordinal}"


class ForeignTransfer(models.Model):
    """Another token that arrived at one of our addresses: shown to staff, never credited."""

    network = models.CharField(_("network"), max_length=16)
    tx_hash = models.CharField(_("transaction"), max_length=66)
    log_index = models.PositiveIntegerField(_("log index"))
    block_number = models.BigIntegerField(_("block"))
    contract = models.CharField(_("token contract"), max_length=64)
    deposit_address = models.ForeignKey(
        DepositAddress, on_delete=models.PROTECT, related_name="+", verbose_name=_("deposit address")
    )
    sender = models.CharField(_("sender"), max_length=64)
    amount_raw = UnitsField(_("amount in that token's units"), max_digits=78)
    seen_at = models.DateTimeField(_("seen at"), auto_now_add=True)

    class Meta:
        verbose_name = _("foreign token")
        verbose_name_plural = _("foreign tokens")
        constraints = (
            models.UniqueConstraint(fields=["network", "tx_hash", "log_index"], name="foreign_transfer_once"),
        )

    def __str__(self) -> str:
        return f"{self.network} {self.tx_hash}"
