"""Password rules; declared once, in AUTH_PASSWORD_VALIDATORS."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


class LetterAndDigitValidator:
    """Wants at least one letter (of any alphabet) and one digit."""

    def validate(self, password: str, user: object | None = None) -> None:
        if not (any(c.isalpha() for c in password) and any(c.isdigit() for c in password)):
            raise ValidationError(
                _("The password must have at least one letter and one digit."), code="password_letter_and_digit"
            )

    def get_help_text(self) -> str:
        return _("Your password must have at least one letter and one digit.")
