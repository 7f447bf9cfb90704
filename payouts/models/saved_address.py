"""The address book: where a customer may be paid to."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class SavedAddress(models.Model):
    """An address on one network. Confirmed by mail, usable from `active_from` on, and kept for good as evidence."""

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting for your confirmation")
        CONFIRMED = "confirmed", _("Saved")
        REMOVED = "removed", _("Removed")
        EXPIRED = "expired", _("Expired")

    public_id = models.UUIDField(_("number"), default=uuid.uuid4, unique=True, editable=False)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="saved_addresses", verbose_name=_("customer")
    )
    network = models.CharField(_("network"), max_length=16)
    address = models.CharField(_("address"), max_length=64)
    label = models.CharField(_("label"), max_length=40)
    resembles = models.CharField(
        _("looks like"),
        max_length=64,
        blank=True,
        help_text=_("An address of this customer with the same ends. They were warned, and went on."),
    )
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.PENDING)
    added_at = models.DateTimeField(_("added at"))
    confirm_by = models.DateTimeField(_("to be confirmed by"))
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True, blank=True)
    active_from = models.DateTimeField(_("can be paid to from"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("saved address")
        verbose_name_plural = _("saved addresses")
        constraints = (
            models.UniqueConstraint(
                fields=["customer", "network", "address"],
                condition=models.Q(state__in=["pending", "confirmed"]),
                name="saved_address_once",
            ),
            models.CheckConstraint(
                condition=models.Q(state="pending", confirmed_at=None, active_from=None, closed_at=None)
                | models.Q(state="confirmed", confirmed_at__isnull=False, active_from__isnull=False, closed_at=None)
                | models.Q(state__in=["removed", "expired"], closed_at__isnull=False),
                name="saved_address_state_has_its_times",
            ),
            models.CheckConstraint(
                condition=models.Q(active_from=None) | models.Q(active_from__gte=models.F("confirmed_at")),
                name="saved_address_active_after_confirmed",
            ),
            models.CheckConstraint(condition=~models.Q(label=""), name="saved_address_has_a_label"),
        )
        indexes = (
            models.Index(fields=["customer", "-id"], name="saved_address_by_customer"),
            models.Index(fields=["confirm_by"], name="saved_address_to_expire", condition=models.Q(state="pending")),
        )

    def __str__(self) -> str:
        return f"A-{self.pk}"
