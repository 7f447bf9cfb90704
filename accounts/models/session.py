"""Which browsers are signed in as whom. A session itself is Django's row; this one says what it is."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class UserSession(models.Model):
    """One signed-in browser. The row outlives its session: `ended_at` and `ended_by` say how that went."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("user")
    )
    session_key = models.CharField(_("session key"), max_length=40, unique=True, editable=False)
    device = models.ForeignKey(
        "accounts.TrustedDevice", on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("device")
    )
    ip_address = models.GenericIPAddressField(_("IP address"), null=True, blank=True)
    user_agent = models.CharField(_("browser"), max_length=400, blank=True)
    signed_in_at = models.DateTimeField(_("signed in at"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    ended_by = models.CharField(_("ended by"), max_length=32, blank=True)

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        indexes = (models.Index(fields=["user", "-id"], name="session_of_user", condition=models.Q(ended_at=None)),)

    def __str__(self) -> str:
        return f"{self.user_id}: {self.user_agent}"


class TrustedDevice(models.Model):
    """A browser that its owner let in by a mailed code. Its cookie holds a random token; we keep the token's hash."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("user")
    )
    token_hash = models.BinaryField(_("SHA-256 of the token"), max_length=32, unique=True)
    # The cookie is renewed with each sign-in; two tabs may still send the one before.
    previous_token_hash = models.BinaryField(_("SHA-256 of the token before"), max_length=32, null=True, unique=True)
    name = models.CharField(_("name"), max_length=80)
    ip_address = models.GenericIPAddressField(_("IP address"), null=True, blank=True)
    user_agent = models.CharField(_("browser"), max_length=400, blank=True)
    added_at = models.DateTimeField(_("added at"), default=timezone.now)
    last_seen_at = models.DateTimeField(_("last seen at"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires at"))
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("remembered device")
        verbose_name_plural = _("remembered devices")
        indexes = (models.Index(fields=["user", "-id"], name="device_of_user", condition=models.Q(revoked_at=None)),)

    def __str__(self) -> str:
        return self.name
