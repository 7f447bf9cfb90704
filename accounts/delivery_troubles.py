"""What a failed attempt to send a mail means, whoever carries it: SMTP, or a provider's HTTP interface (anymail).

Three questions: is it this mail's trouble or the server's; will trying again help; what may be noted. An error's text
may quote the mail, so only its kind and its code are ever kept.
"""

from __future__ import annotations

import smtplib
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from anymail.exceptions import (
    AnymailAPIError,
    AnymailError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
)


class Trouble(Enum):
    SERVER = auto()  # it is away, busy, or does not know us: nothing of this batch goes out now
    LATER = auto()  # this mail, for now
    REFUSED = auto()  # this mailbox, for good


@dataclass(frozen=True, slots=True)
class Verdict:
    trouble: Trouble
    told: str


# A provider answers these when its own side, our key or our speed is the trouble; any mail would get the same answer.
SERVER_STATUSES: Final = frozenset({401, 402, 403, 404, 408, 425, 429})
PERMANENT_FROM: Final = 500


def verdict_on(error: Exception) -> Verdict:
    """What `error` means. Anything that is no carrier's word is this mail's own fault, tried again later."""
    return Verdict(_trouble(error), _told(error))


def _trouble(error: Exception) -> Trouble:
    if isinstance(error, AnymailError):  # first: its API errors are OSErrors too
        return _trouble_of_provider(error)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _text in error.recipients.values()]
        return Trouble.REFUSED if codes and min(codes) >= PERMANENT_FROM else Trouble.LATER
    if isinstance(error, smtplib.SMTPDataError):
        return Trouble.LATER  # what it says of this mail's content may change with its filters
    if isinstance(error, (OSError, smtplib.SMTPException)):
        return Trouble.SERVER
    return Trouble.LATER


def _trouble_of_provider(error: AnymailError) -> Trouble:
    if isinstance(error, (AnymailRecipientsRefused, AnymailInvalidAddress)):
        return Trouble.REFUSED
    if isinstance(error, AnymailAPIError):
        status = error.status_code
        unreachable = status is None or status in SERVER_STATUSES or status >= PERMANENT_FROM
        # 400 and 422 may be about the mail, or about a sender that is not confirmed yet: never for good.
        return Trouble.SERVER if unreachable else Trouble.LATER
    return Trouble.LATER


def _told(error: Exception) -> str:
    code = getattr(error, "smtp_code", "") or getattr(error, "status_code", "") or ""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = next((code for code, _text in error.recipients.values()), "")
    return f"{type(error).__name__} {code}".strip()
