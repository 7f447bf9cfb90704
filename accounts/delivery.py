"""Sends what the outbox holds: claim, commit, send, note. At least once, with one Message-ID per mail."""

import logging
from datetime import timedelta
from time import monotonic

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from .delivery_troubles import Trouble, verdict_on
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
            OutgoingMail.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("user")
            .filter(state=OutgoingMail.State.QUEUED, next_attempt_at__lte=now)
            .order_by("next_attempt_at", "id")[:CLAIM_SIZE]
        )
        OutgoingMail.objects.filter(pk__in=[row.pk for row in rows]).update(
            attempts=F("attempts") + 1, next_attempt_at=now + timedelta(seconds=CLAIM_SECONDS)
        )
    for row in rows:
        row.attempts += 1
    return rows


class _ServerTrouble(Exception):
    """The carrier takes nothing from us now; its cause says why."""


def _send(rows: list[OutgoingMail]) -> int:
    """One connection for all. Stops early enough that no mail is still being sent when its claim runs out."""
    stop_at = monotonic() + CLAIM_SECONDS - 3 * settings.EMAIL_TIMEOUT
    connection = get_connection(timeout=settings.EMAIL_TIMEOUT)
    done: set[int] = set()
    try:
        _open(connection)
        for row in rows:
            if monotonic() > stop_at:
                break
            _send_one(row, connection)
            done.add(row.pk)
    except _ServerTrouble as trouble:
        for row in rows:
            if row.pk not in done:
                _note_failure(row, trouble.__cause__ or trouble)
    finally:
        connection.close()
    return len(done)


def _open(connection: BaseEmailBackend) -> None:
    try:
        connection.open()
    except Exception as error:  # whatever it is, it is not one mail's
        raise _ServerTrouble from error


def _send_one(row: OutgoingMail, connection: BaseEmailBackend) -> None:
    """Send one mail, and note what became of it. Raises _ServerTrouble when the others need not be tried."""
    try:
        message = render(row)
    except NothingToTell as reason:
        _finish(row, OutgoingMail.State.FAILED, last_error=f"dropped: {reason}"[:200])
        return
    except Exception as error:  # a template's mistake must not keep the mails behind it from being sent
        logger.exception("mail %s (%s) cannot be rendered", row.pk, row.template)
        _note_failure(row, error)
        return
    message.connection = connection
    try:
        message.send()
    except Exception as error:  # of SMTP or of any provider; `verdict_on` tells them apart
        verdict = verdict_on(error)
        if verdict.trouble is Trouble.SERVER:
            raise _ServerTrouble from error
        _note_failure(row, error, for_good=verdict.trouble is Trouble.REFUSED)
        return
    _finish(row, OutgoingMail.State.SENT, sent_at=timezone.now(), last_error="")


def _finish(row: OutgoingMail, state: str, **changes: object) -> None:
    OutgoingMail.objects.filter(pk=row.pk, state=OutgoingMail.State.QUEUED).update(state=state, **changes)


def _note_failure(row: OutgoingMail, error: BaseException, *, for_good: bool = False) -> None:
    """Try again later, ever less often; not at all `for_good`. The error's text may quote the mail: see its verdict."""
    told = verdict_on(error).told if isinstance(error, Exception) else type(error).__name__
    logger.warning("mail %s (%s) not sent, attempt %s: %s", row.pk, row.template, row.attempts, told)
    if for_good or row.attempts >= ATTEMPTS_MAX:
        _finish(row, OutgoingMail.State.FAILED, last_error=told)
        return
    wait = min(BACK_OFF_FIRST_SECONDS * 2 ** (row.attempts - 1), BACK_OFF_MAX_SECONDS)
    OutgoingMail.objects.filter(pk=row.pk, state=OutgoingMail.State.QUEUED).update(
        next_attempt_at=timezone.now() + timedelta(seconds=wait), last_error=told
    )
