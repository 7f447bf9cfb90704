"""Password rules; declared once, in AUTH_PASSWORD_VALIDATORS."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .models import PastPassword, User


class LetterAndDigitValidator:
    """Wants at least one letter (of any alphabet) and one digit."""

    def validate(self, password: str, user: object | None = None) -> None:
        if not (any(c.isalpha() for c in password) and any(c.isdigit() for c in password)):
            raise ValidationError(
                _("The password must have at least one letter and one digit."), code="password_letter_and_digit"
            )

    def get_help_text(self) -> str:
        return _("Your password must have at least one letter and one digit.")


class NotOneOfTheLastValidator:
    """Wants a password that is none of the person's last ones, the present one included.

    Only hashes are kept, as the hasher makes them. Django calls `password_changed` once a new one is saved.
    """

    REMEMBERED: Final = 5

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self.remembered = remembered

    def validate(self, password: str, user: object | None = None) -> None:
        if not isinstance(user, User) or user.pk is None:
            return  # somebody who signs up has had none
        used = list(PastPassword.objects.filter(user=user.pk).order_by("-id")[: self.remembered])
        hashes = {user.password, *(each.hash for each in used)}
        if any(check_password(password, each) for each in hashes):
            raise ValidationError(
                ngettext(
                    "You have used this password before. Choose one that is not your last one.",
                    "You have used this password before. Choose one that is none of your last %(count)s.",
                    self.remembered,
                )
                % {"count": self.remembered},
                code="password_used_before",
            )

    def password_changed(self, password: str, user: object | None = None) -> None:
        """Note the new one's hash, and forget those that no longer matter."""
        if not isinstance(user, User) or not user.has_usable_password():
            return
        PastPassword.objects.create(user=user, hash=user.password)
        kept = PastPassword.objects.filter(user=user.pk).order_by("-id").values_list("pk", flat=True)
        old = list(kept[self.remembered : 4 * self.remembered])
        PastPassword.objects.filter(pk__in=old).delete()

    def get_help_text(self) -> str:
        return ngettext(
            "Your password may not be your last one.",
            "Your password may be none of your last %(count)s.",
            self.remembered,
        ) % {"count": self.remembered}
