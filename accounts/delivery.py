"""Sends what the outbox holds: claim, commit, send, note. At least once, with one Message-ID per mail."""

import logging
import smtplib
from datetime import timedelta
from time import monotonic

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from .mail import NothingToTell, render
from .models import OutgoingMail

logger = logging.getLogger(__name__)

CLAIM_SIZE = 20
CLAIM_SECONDS = 90
ATTEMPTS_MAX = 14
BACK_OFF_FIRST_SECONDS = 5
BACK_OFF_MAX_SECONDS = 3600


def send_due_mail(*, limit: int = 500) -> int:
    """Send up to `limit` due mails; returns how many went out. Any number of workers may do so at once."""
    sent = 0
    for _ in range(0, limit, CLAIM_SIZE):
        claimed = _claim()
        if not claimed:
            break
        delivered = _send(claimed)
        sent += delivered
        if delivered < len(claimed):
            break  # the server is in trouble: the back-off decides when to try again
    return sent


def _claim() -> list[OutgoingMail]:
    """Take some due mails for CLAIM_SECONDS; a worker that dies meanwhile leaves them due again after that."""
    now = timezone.now()
    with transaction.atomic():
        rows = list(
            OutgoingMail.objects.select_for_update(skip_locked=True)
            .filter(state=OutgoingMail.State.QUEUED, next_attempt_at__lte=now)
            .order_by("next_attempt_at", "id")[:CLAIM_SIZE]
        )
        OutgoingMail.objects.filter(pk__in=[row.pk for row in rows]).update(
            attempts=F("attempts") + 1, next_attempt_at=now + timedelta(seconds=CLAIM_SECONDS)
        )
    for row in rows:
        row.attempts += 1
    return rows


def _send(rows: list[OutgoingMail]) -> int:
    """One connection for all. Stops early enough that no mail is still being sent when its claim runs out."""
    stop_at = monotonic() + CLAIM_SECONDS - 3 * settings.EMAIL_TIMEOUT
    connection = get_connection(timeout=settings.EMAIL_TIMEOUT)
    sent = 0
    try:
        connection.open()
        for row in rows:
            if monotonic() > stop_at:
                break
            sent += _send_one(row, connection)
    except (OSError, smtplib.SMTPException) as error:
        for row in rows:
            _note_failure(row, error)
    finally:
        connection.close()
    return sent


def _send_one(row: OutgoingMail, connection: BaseEmailBackend) -> int:
    try:
        message = render(row)
    except NothingToTell as reason:
        _finish(row, OutgoingMail.State.FAILED, last_error=f"dropped: {reason}"[:200])
        return 1
    except Exception as error:  # a template's mistake must not keep the mails behind it from being sent
        logger.exception("mail %s (%s) cannot be rendered", row.pk, row.template)
        _note_failure(row, error)
        return 1
    message.connection = connection
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        _note_failure(row, error)  # this mailbox's trouble, not the server's
        return 1
    _finish(row, OutgoingMail.State.SENT, sent_at=timezone.now(), last_error="")
    return 1


def _finish(row: OutgoingMail, state: str, **changes: object) -> None:
    OutgoingMail.objects.filter(pk=row.pk, state=OutgoingMail.State.QUEUED).update(state=state, **changes)


def _note_failure(row: OutgoingMail, error: Exception) -> None:
    """Try again later, ever less often. The error's text may quote the mail: keep its type only."""
    code = getattr(error, "smtp_code", "")
    told = f"{type(error).__name__} {code}".strip()
    logger.warning("mail %s (%s) not sent, attempt %s: %s", row.pk, row.template, row.attempts, told)
    if row.attempts >= ATTEMPTS_MAX:
        _finish(row, OutgoingMail.State.FAILED, last_error=told)
        return
    wait = min(BACK_OFF_FIRST_SECONDS * 2 ** (row.attempts - 1), BACK_OFF_MAX_SECONDS)
    OutgoingMail.objects.filter(pk=row.pk, state=OutgoingMail.State.QUEUED).update(
        next_attempt_at=timezone.now() + timedelta(seconds=wait), last_error=told
    )
