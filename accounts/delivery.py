"""Sends what the outbox holds: claim, commit, send, note. At least once, with one Message-ID per mail.

One sender at a time, for a few seconds a run: a backlog of mails takes one thread of the worker from scanning and
paying, not all of them.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection as database
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from .delivery_troubles import Trouble, verdict_on
from .mail import NothingToTell, render
from .models import OutgoingMail
from .outbox import SEND_TASK
from .wake import wake

logger = logging.getLogger(__name__)

RUN_SECONDS = 5.0
SENDER_LOCK = 0x455843484D41494C  # "EXCHMAIL"
CLAIM_SIZE = 20
CLAIM_SECONDS = 90
ATTEMPTS_MAX = 14
BACK_OFF_FIRST_SECONDS = 5
BACK_OFF_MAX_SECONDS = 3600
SERVER_BACK_OFF_MAX_SECONDS = 300


def send_due_mail(*, seconds: float = RUN_SECONDS) -> int:
    """Send due mails for `seconds`, and wake a worker to go on if there are more; returns how many went out.

    0 also while another process or thread sends.
    """
    sent = 0
    with _only_sender() as is_only:
        goes_on = is_only
        stop_at = monotonic() + seconds
        while goes_on and monotonic() < stop_at:
            claimed = _claim()
            batch = _Batch(claimed, stop_at)
            batch.send()
            sent += batch.sent
            goes_on = bool(claimed) and not batch.in_trouble  # in trouble, the back-off decides when to try again
    if goes_on:
        wake(SEND_TASK)
    return sent


@contextmanager
def _only_sender() -> Iterator[bool]:
    """Whether nobody else sends until the end of the block. The lock is the session's: it ends with it, if we die."""
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [SENDER_LOCK])
        (is_only,) = cursor.fetchone()
    try:
        yield is_only
    finally:
        if is_only:
            with database.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [SENDER_LOCK])


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


class _Batch:
    """Claimed mails, sent over one connection until `stop_at`.

    What looks like the carrier's trouble can be one mail's: a provider may answer 500 to an odd one. So the next is
    tried too. If that one is taken, the first had its own trouble; if not, nothing goes out now, and that counts as no
    attempt of anybody. Of one that was alone, what went out since it was tried before tells the same.
    """

    def __init__(self, rows: list[OutgoingMail], stop_at: float) -> None:
        self.rows = rows
        # Early enough that no mail is still being sent when its claim runs out.
        self.stop_at = min(stop_at, monotonic() + CLAIM_SECONDS - 3 * settings.EMAIL_TIMEOUT)
        self.sent = 0
        self.in_trouble = False

    def send(self) -> None:
        if not self.rows:
            return
        connection = get_connection(timeout=settings.EMAIL_TIMEOUT)
        waiting = list(self.rows)
        suspect: tuple[OutgoingMail, _ServerTrouble] | None = None
        try:
            _open(connection)
            while waiting and monotonic() < self.stop_at:
                try:
                    is_taken = _send_one(waiting[0], connection)
                except _ServerTrouble as trouble:
                    if suspect is not None:
                        raise
                    suspect = waiting.pop(0), trouble
                    connection.close()  # what it was told in the middle of a mail, it may not have understood
                    _open(connection)
                    continue
                waiting.pop(0)
                self.sent += is_taken
                if is_taken and suspect is not None:
                    _note_failure(suspect[0], _cause(suspect[1]))
                    suspect = None
        except _ServerTrouble as trouble:
            for row in waiting:
                _wait_for_server(row, _cause(trouble))
            waiting, self.in_trouble = [], True
        finally:
            connection.close()
        if suspect is not None:
            alone, its_trouble = suspect
            if _was_another_taken_since(alone):
                _note_failure(alone, _cause(its_trouble))
            else:
                _wait_for_server(alone, _cause(its_trouble))
                self.in_trouble = True
        _give_back(waiting)


def _cause(trouble: _ServerTrouble) -> BaseException:
    return trouble.__cause__ or trouble


def _open(connection: BaseEmailBackend) -> None:
    try:
        connection.open()
    except Exception as error:  # whatever it is, it is not one mail's
        raise _ServerTrouble from error


def _send_one(row: OutgoingMail, connection: BaseEmailBackend) -> bool:
    """Whether it went out, after noting what became of it. Raises _ServerTrouble for what may be the carrier's."""
    try:
        message = render(row)
    except NothingToTell as reason:
        _finish(row, OutgoingMail.State.DROPPED, last_error=str(reason)[:200])
        return False
    except Exception as error:  # a template's mistake must not keep the mails behind it from being sent
        logger.exception("mail %s (%s) cannot be rendered", row.pk, row.template)
        _note_failure(row, error)
        return False
    message.connection = connection
    try:
        message.send()
    except Exception as error:  # of SMTP or of any provider; `verdict_on` tells them apart
        verdict = verdict_on(error)
        if verdict.trouble is Trouble.SERVER:
            raise _ServerTrouble from error
        _note_failure(row, error, for_good=verdict.trouble is Trouble.REFUSED)
        return False
    _finish(row, OutgoingMail.State.SENT, sent_at=timezone.now(), last_error="")
    return True


def _finish(row: OutgoingMail, state: str, **changes: object) -> None:
    OutgoingMail.objects.filter(pk=row.pk, state=OutgoingMail.State.QUEUED).update(state=state, **changes)


def _give_back(rows: list[OutgoingMail]) -> None:
    """Claimed and not tried: due as before, and no attempt of theirs."""
    OutgoingMail.objects.filter(pk__in=[row.pk for row in rows], state=OutgoingMail.State.QUEUED).update(
        attempts=F("attempts") - 1, next_attempt_at=timezone.now()
    )


def _wait_for_server(row: OutgoingMail, error: BaseException) -> None:
    """The carrier's trouble is no attempt of the mail's: try again for as long as it takes, ever less often.

    It has waited since it was queued, so waiting as long again doubles the time; some minutes at most.
    """
    told = verdict_on(error).told if isinstance(error, Exception) else type(error).__name__
    logger.warning("mail %s (%s) waits for its carrier: %s", row.pk, row.template, told)
    now = timezone.now()
    OutgoingMail.objects.filter(pk=row.pk, state=OutgoingMail.State.QUEUED).update(
        attempts=F("attempts") - 1, next_attempt_at=now + _server_wait(now - row.queued_at), last_error=told
    )


def _server_wait(waited: timedelta) -> timedelta:
    seconds = min(max(waited.total_seconds(), BACK_OFF_FIRST_SECONDS), SERVER_BACK_OFF_MAX_SECONDS)
    return timedelta(seconds=seconds)


def _was_another_taken_since(row: OutgoingMail) -> bool:
    """Whether the carrier took a mail after it had refused `row`, which was claimed for another try just now."""
    if not row.last_error:
        return False
    # As it was before the claim: of the time until then half was waited before that try, and half after it.
    tried_at = row.next_attempt_at - _server_wait((row.next_attempt_at - row.queued_at) / 2)
    of_late = OutgoingMail.objects.filter(queued_at__gt=tried_at - timedelta(days=2))  # the index is by that time
    return of_late.filter(state=OutgoingMail.State.SENT, sent_at__gt=tried_at).exists()


def _note_failure(row: OutgoingMail, error: BaseException, *, for_good: bool = False) -> None:
    """Its own trouble: again later, ever less often; not at all `for_good`.

    The error's text may quote the mail: its verdict is what is kept.
    """
    told = verdict_on(error).told if isinstance(error, Exception) else type(error).__name__
    logger.warning("mail %s (%s) not sent, attempt %s: %s", row.pk, row.template, row.attempts, told)
    if for_good or row.attempts >= ATTEMPTS_MAX:
        _finish(row, OutgoingMail.State.FAILED, last_error=told)
        return
    wait = min(BACK_OFF_FIRST_SECONDS * 2 ** (row.attempts - 1), BACK_OFF_MAX_SECONDS)
    OutgoingMail.objects.filter(pk=row.pk, state=OutgoingMail.State.QUEUED).update(
        next_attempt_at=timezone.now() + timedelta(seconds=wait), last_error=told
    )
