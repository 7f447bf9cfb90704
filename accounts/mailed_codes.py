"""Codes of eight digits that prove that a person reads their mailbox.

No code is stored anywhere, the outbox included: it is derived from a row's random id and the installation's secret when
the mail is rendered, and derived again when one is typed. A code is good once, for ten minutes and five tries; asking
for a new one ends the one before.

    code_id = mailed_codes.make(user_id=user.pk, purpose=DEVICE)
    queue_mail(key=f"device-code:{code_id}", template="device_code", user=user, facts={"code_id": code_id})
    ...
    mailed_codes.verify(code_id=code_id, user_id=user.pk, purpose=DEVICE, typed=form.cleaned_data["code"])
"""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _

from .models import MailedCode, User

DEVICE: Final = "device"

DIGITS: Final = 8
GOOD_SECONDS: Final = 600
TRIES_MAX: Final = 5
MADE_PER_HOUR_MAX: Final = 8
SALT: Final = "accounts.mailed-codes:v1"
FORGOTTEN_AFTER = timedelta(days=1)


class CodeRefused(Exception):
    """The code cannot be taken. `message` may be shown; it never tells whether a code exists."""

    message = _("This code is not right.")

    def __str__(self) -> str:
        return str(self.message)


class CodeExpired(CodeRefused):
    message = _("This code is no longer good. Ask for a new one.")


class CodeTriedTooOften(CodeRefused):
    message = _("Too many wrong codes. Ask for a new one.")


class TooManyCodes(CodeRefused):
    message = _("Too many codes were asked for. Try again in an hour.")


def new_id() -> str:
    """An id for a code whose row comes later: see `make`."""
    return str(uuid4())


def make(*, user_id: int, purpose: str, code_id: str = "") -> str:
    """The id of a new code; those that this person had for `purpose` end. Joins the caller's transaction.

    `code_id`: one of `new_id`, where the digits were needed before it was known whose they are.

    Raises TooManyCodes after MADE_PER_HOUR_MAX in an hour, so that asking anew gives no new tries without end.
    """
    now = timezone.now()
    with transaction.atomic():
        User.objects.select_for_update().only("pk").get(pk=user_id)  # two that ask at once are counted one by one
        earlier = MailedCode.objects.filter(user_id=user_id, purpose=purpose)
        if earlier.filter(made_at__gt=now - timedelta(hours=1)).count() >= MADE_PER_HOUR_MAX:
            raise TooManyCodes
        earlier.filter(made_at__lt=now - FORGOTTEN_AFTER).delete()
        earlier.filter(expires_at__gt=now).update(expires_at=now)
        made = MailedCode.objects.create(
            pk=code_id or new_id(),
            user_id=user_id,
            purpose=purpose,
            expires_at=now + timedelta(seconds=GOOD_SECONDS),
        )
    return str(made.pk)


def derive(code_id: str, *, purpose: str) -> str:
    """The digits of a code. Only for the mail and for the comparison: never logged, stored or put into a task."""
    digest = salted_hmac(SALT, f"{purpose}:{_uuid(code_id)}", algorithm="sha256").digest()
    return str(int.from_bytes(digest, "big") % 10**DIGITS).zfill(DIGITS)


def code_to_mail(code_id: str, *, purpose: str) -> str | None:
    """The digits, if the code is still good for something; None for one that is not."""
    row = _row(code_id, purpose)
    if row is None or row.used_at or row.tries >= TRIES_MAX or row.expires_at <= timezone.now():
        return None
    return derive(code_id, purpose=purpose)


def verify(*, code_id: str, user_id: int, purpose: str, typed: str) -> None:
    """Return if `typed` is this person's code, which is used up by that; raise CodeRefused otherwise.

    Never call it inside a transaction: a try that is rolled back would not count.
    """
    with transaction.atomic(durable=True):
        counted = (
            MailedCode.objects.filter(pk=_uuid(code_id), user_id=user_id, purpose=purpose, used_at=None)
            .filter(tries__lt=TRIES_MAX, expires_at__gt=timezone.now())
            .update(tries=F("tries") + 1)
        )
    if not counted:
        raise _why(code_id, user_id, purpose)
    if not constant_time_compare(derive(code_id, purpose=purpose), digits_of(typed)):
        row = _row(code_id, purpose)
        raise CodeTriedTooOften if row is None or row.tries >= TRIES_MAX else CodeRefused
    with transaction.atomic(durable=True):
        used = MailedCode.objects.filter(pk=_uuid(code_id), used_at=None).update(used_at=timezone.now())
    if not used:
        raise CodeExpired  # the same code at the same moment: one of the two is enough


def digits_of(typed: str) -> str:
    """What a person typed, spaces and dashes left out, digits of any script as ours."""
    return "".join(str(unicodedata.digit(each)) for each in typed[:64] if unicodedata.digit(each, None) is not None)


def grouped(code: str) -> str:
    """As it is read aloud: "1234 5678"."""
    half = len(code) // 2
    return f"{code[:half]} {code[half:]}"


def _why(code_id: str, user_id: int, purpose: str) -> CodeRefused:
    row = _row(code_id, purpose)
    if row is not None and row.user_id == user_id and row.tries >= TRIES_MAX:
        return CodeTriedTooOften()
    return CodeExpired()


def _row(code_id: str, purpose: str) -> MailedCode | None:
    return MailedCode.objects.filter(pk=_uuid(code_id), purpose=purpose).first()


def _uuid(code_id: str) -> UUID:
    try:
        return UUID(code_id)
    except (ValueError, AttributeError):
        return UUID(int=0)  # nobody's
