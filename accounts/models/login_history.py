"""Who signed in, or tried to: when, from where, by what. Append-only, in the database too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.countries import country_name


class LoginHistory(models.Model):
    """One try at one account that exists. The names of accounts that do not are not collected."""

    class Result(models.TextChoices):
        SUCCESS = "success", _("Signed in")
        WRONG_PASSWORD = "wrong_password", _("Wrong password")
        WRONG_CODE = "wrong_code", _("Wrong code")
        WRONG_PASSKEY = "wrong_passkey", _("Wrong passkey")
        CODE_ASKED = "code_asked", _("New device: a code was mailed")
        THROTTLED = "throttled", _("Blocked: too many tries")
        CLOSED = "closed", _("Blocked: the account is closed")

    class Method(models.TextChoices):
        """A step of the way in; `method` holds those taken, in their order, joined by "+"."""

        PASSWORD = "password", _("Password")
        MAILED_CODE = "mailed_code", _("Mailed code")
        TOTP = "totp", _("Authenticator app")
        PASSKEY = "passkey", _("Passkey")
        RECOVERY_CODE = "recovery_code", _("Recovery code")
        CONFIRMATION = "confirmation", _("Confirmation while signed in")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False, verbose_name=_("user")
    )
    at = models.DateTimeField(_("at"), default=timezone.now)
    result = models.CharField(_("result"), max_length=16, choices=Result.choices)
    method = models.CharField(_("way in"), max_length=64, blank=True)
    ip_address = models.GenericIPAddressField(_("IP address"), null=True, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    latitude = models.FloatField(_("latitude"), null=True, blank=True)
    longitude = models.FloatField(_("longitude"), null=True, blank=True)
    browser = models.CharField(_("browser"), max_length=60, blank=True)
    system = models.CharField(_("system"), max_length=60, blank=True)
    device_id = models.BigIntegerField(_("remembered device"), null=True, blank=True)
    new_country = models.BooleanField(_("new country"), default=False)
    impossible_travel = models.BooleanField(_("impossible travel"), default=False)

    class Meta:
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(result="success") | models.Q(new_country=False, impossible_travel=False),
                name="sign_in_flags_are_of_successes",
            ),
        )
        indexes = (
            models.Index(fields=["user", "-id"], name="sign_in_by_user"),
            # What each sign-in asks about the ones before it.
            models.Index(
                fields=["user", "-id"],
                name="sign_in_known_place",
                condition=models.Q(result="success") & ~models.Q(country=""),
            ),
            models.Index(fields=["user", "country"], name="sign_in_user_country", condition=models.Q(result="success")),
            # What the staff's list is filtered and searched by.
            models.Index(fields=["at"], name="sign_in_by_time"),
            models.Index(fields=["ip_address", "-id"], name="sign_in_by_address"),
            models.Index(fields=["country", "-id"], name="sign_in_by_country"),
            models.Index(fields=["result", "-id"], name="sign_in_by_result"),
            models.Index(
                fields=["-id"],
                name="sign_in_flagged",
                condition=models.Q(new_country=True) | models.Q(impossible_travel=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.result} {self.at:%Y-%m-%d %H:%M}"

    @property
    def is_flagged(self) -> bool:
        return self.new_country or self.impossible_travel

    @property
    def flags(self) -> list[Any]:
        """What is odd about it, in words."""
        words = ((self.new_country, _("new country")), (self.impossible_travel, _("impossible travel")))
        return [word for is_set, word in words if is_set]

    @property
    def place(self) -> str:
        """ "Berlin, Germany", "Germany", or "" for nowhere known."""
        return place_in_words(self.country, self.city)

    @property
    def program(self) -> str:
        """ "Firefox 130, Windows 10", as far as it is known."""
        return ", ".join(part for part in (self.browser, self.system) if part)

    @property
    def method_words(self) -> str:
        """The way in, in words: "Password, Passkey"."""
        return ", ".join(_method_labels(self.method))


def place_in_words(country: str, city: str) -> str:
    """City and country as the reader calls them; cities have their English names."""
    return ", ".join(part for part in (city, country_name(country) if country else "") if part)


def _method_labels(method: str) -> Iterator[str]:
    labels = dict(LoginHistory.Method.choices)
    for step in filter(None, method.split("+")):
        yield str(labels.get(step, step))
