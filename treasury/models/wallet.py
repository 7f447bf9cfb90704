"""Addresses we hold the keys of. Only the signer adds rows; it signs each deposit address."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class DepositAddress(models.Model):
    """A member of the pool. Assigned to one customer once, never to another; `signature` is the pool key's."""

    family = models.CharField(_("address family"), max_length=8)
    address = models.CharField(_("address"), max_length=64)
    derivation_index = models.BigIntegerField(_("derivation index"))
    signature = models.BinaryField(_("signature"), max_length=64)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="deposit_addresses",
        verbose_name=_("customer"),
    )
    assigned_at = models.DateTimeField(_("assigned at"), null=True, blank=True)
    retired_at = models.DateTimeField(_("retired at"), null=True, blank=True)

    class Meta:
        verbose_name = _("deposit address")
        verbose_name_plural = _("deposit addresses")
        constraints = (
            models.UniqueConstraint(fields=["family", "address"], name="deposit_address_once"),
            models.UniqueConstraint(fields=["family", "derivation_index"], name="deposit_address_index_once"),
            models.UniqueConstraint(
                fields=["customer", "family"],
                condition=models.Q(retired_at=None),
                name="deposit_address_one_per_customer_and_family",
            ),
            models.CheckConstraint(
                condition=models.Q(customer=None, assigned_at=None)
                | models.Q(customer__isnull=False, assigned_at__isnull=False),
                name="deposit_address_assigned_whole",
            ),
        )
        indexes = (
            models.Index(fields=["family", "id"], name="deposit_address_free", condition=models.Q(customer=None)),
        )

    def __str__(self) -> str:
        return self.address


class Wallet(models.Model):
    """A platform wallet. `next_nonce` belongs to this row: allocated under its lock."""

    class Role(models.TextChoices):
        HOT = "hot", _("Hot wallet")
        GAS = "gas", _("Gas wallet")

    network = models.CharField(_("network"), max_length=16)
    role = models.CharField(_("role"), max_length=8, choices=Role.choices)
    address = models.CharField(_("address"), max_length=64)
    derivation_path = models.CharField(_("derivation path"), max_length=64)
    next_nonce = models.BigIntegerField(_("next nonce"), default=0)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("wallet")
        verbose_name_plural = _("wallets")
        permissions = (("view_position", "Can see the treasury's position"),)
        constraints = (
            models.UniqueConstraint(fields=["network", "address"], name="wallet_once"),
            models.UniqueConstraint(fields=["network", "role"], name="wallet_one_per_role"),
        )

    def __str__(self) -> str:
        return f"{self.network} {self.role} {self.address}"
