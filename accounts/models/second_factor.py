"""What django-otp and the replay guard know of second factors. The factors themselves are allauth's rows."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device


class SecondFactorDevice(Device):
    """allauth's authenticator as django-otp sees it: a view, so that there is one store of second factors.

    Recovery codes are not in it: who comes in with one is signed in, but not verified.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, related_name="+")

    class Meta(Device.Meta):
        managed = False
        db_table = "accounts_secondfactordevice"
        verbose_name = _("second factor")

    def verify_token(self, token: str) -> bool:
        """Whether `token` is a code of this person's app, which is spent by this."""
        from accounts.second_factor import check_code

        factor = check_code(self.user, token)
        return factor is not None and factor.pk == self.pk


class SpentCode(models.Model):
    """A step of an authenticator app's clock whose code was used: it is not taken again."""

    factor = models.BigIntegerField(_("second factor"), help_text=_("allauth's row; it may be gone."))
    step = models.BigIntegerField(_("half minutes since 1970"))
    at = models.DateTimeField(_("at"), auto_now_add=True)

    class Meta:
        verbose_name = _("spent code")
        verbose_name_plural = _("spent codes")
        constraints = (models.UniqueConstraint(fields=["factor", "step"], name="spent_code_once"),)

    def __str__(self) -> str:
        return f"{self.factor}:{self.step}"
