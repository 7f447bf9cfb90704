"""Facts that staff have been told of, where one mail tells of several."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ToldFact(models.Model):
    """A fact that was told; its row and the mails are one commit. See `accounts/told.py`."""

    key = models.CharField(_("key"), max_length=120, unique=True)
    told_at = models.DateTimeField(_("told at"), auto_now_add=True)

    class Meta:
        verbose_name = _("told fact")
        verbose_name_plural = _("told facts")

    def __str__(self) -> str:
        return self.key
