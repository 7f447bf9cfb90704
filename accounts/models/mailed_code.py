"""Codes that prove that a person reads their mailbox. The row holds no code: see `accounts/mailed_codes.py`."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class MailedCode(models.Model):
    """One code for one person and purpose: until when it is good, how often it was tried, whether it was used."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("user")
    )
    purpose = models.CharField(_("purpose"), max_length=32)
    made_at = models.DateTimeField(_("made at"), auto_now_add=True)
    expires_at = models.DateTimeField(_("good until"))
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)

    class Meta:
        verbose_name = _("mailed code")
        verbose_name_plural = _("mailed codes")
        indexes = (models.Index(fields=["user", "purpose", "-made_at"], name="mailed_code_of_user"),)

    def __str__(self) -> str:
        return f"{self.purpose} {self.id}"
