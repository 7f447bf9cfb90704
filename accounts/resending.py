"""Sending a mail again: the same facts, rendered anew, to the same person."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from . import activity
from .mail import registered
from .models import OutgoingMail, User
from .outbox import SEND_TASK
from .wake import wake

AGAIN_MAX = 3
"""So often at most is one mail repeated: more would be a nuisance, or a way to bury another mail."""


class ResendRefused(Exception):
    """The mail is not sent again. `message` tells the person at the keyboard why."""

    message = _("This mail cannot be sent again.")

    def __str__(self) -> str:
        return str(self.message)


class MailNotFound(ResendRefused):
    message = _("There is no such mail.")


class StillQueued(ResendRefused):
    message = _("This mail has not left yet: it is sent by itself.")


class WorksOnce(ResendRefused):
    message = _("This mail holds a code or a link that works once and not for long. Its reader asks for a new one.")


class AddressHasChanged(ResendRefused):
    message = _("The account has another address now. What was told to the old one is not repeated.")


class RepeatedOften(ResendRefused):
    message = _("This mail was sent again three times already.")


def refusal_for(row: OutgoingMail) -> ResendRefused | None:
    """Why `row` cannot be sent again, or None."""
    try:
        registration = registered(row.template)
    except KeyError:
        return ResendRefused()
    if registration.works_once:
        return WorksOnce()
    if row.state == OutgoingMail.State.QUEUED:
        return StillQueued()
    if row.user is not None and (row.recipient.lower() != row.user.email or not row.user.is_active):
        return AddressHasChanged()
    if OutgoingMail.objects.filter(key=_key(row, AGAIN_MAX)).exists():
        return RepeatedOften()
    return None


def send_again(*, mail_id: int, actor: User, reason: str, origin: activity.Origin | None = None) -> OutgoingMail:
    """Queue the facts of a mail once more; audited. Raises ResendRefused."""
    with transaction.atomic(durable=True):
        row = OutgoingMail.objects.select_for_update(of=("self",)).select_related("user").filter(pk=mail_id).first()
        if row is None:
            raise MailNotFound
        refusal = refusal_for(row)
        if refusal is not None:
            raise refusal
        times = OutgoingMail.objects.filter(key__in=[_key(row, number) for number in range(1, AGAIN_MAX)]).count()
        again = OutgoingMail.objects.create(
            key=_key(row, times + 1),
            template=row.template,
            user=row.user,
            recipient=row.recipient,
            language=row.language,
            facts=row.facts,
        )
        activity.record(
            actor=actor,
            action="mail.sent_again",
            target=row,
            facts={"template": row.template, "recipient": row.recipient, "again": again.pk, "reason": reason},
            origin=origin,
        )
        wake(SEND_TASK)
    return again


def _key(row: OutgoingMail, number: int) -> str:
    """Of the copies of one mail; a copy's own copies count with its original."""
    original = row.key.split(":")[1] if row.key.startswith("again:") else row.pk
    return f"again:{original}:{number}"
