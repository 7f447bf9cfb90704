"""The hashes of a person's last passwords, so that none of them is chosen again."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class PastPassword(models.Model):
    """One password that a person has, or had: as the hasher made it, never in the clear."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False, verbose_name=_("user")
    )
    hash = models.CharField(_("hash"), max_length=128)
    at = models.DateTimeField(_("at"), auto_now_add=True)

    class Meta:
        verbose_name = _("past password")
        verbose_name_plural = _("past passwords")
        indexes = (models.Index(fields=["user", "-id"], name="past_password_of_user"),)

    def __str__(self) -> str:
        return f"{self.user_id}: {self.at}"
