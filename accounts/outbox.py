"""Mails are queued in the commit of the fact they tell of, and sent after it by a worker."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils.translation import get_language

from .models import OutgoingMail, User, UserProfile
from .wake import wake

SEND_TASK = "accounts.tasks.send_outgoing_mail"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to `user`, or to the bare address `recipient`, about `facts`. `key` names the fact: it is told once.

    `facts` are JSON-able and hold no secret: links are made when the mail is rendered.
    """

    key: str
    template: str
    user_id: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    recipient: str = ""
    language: str = ""


def queue_mail(
    *,
    key: str,
    template: str,
    user: User | None = None,
    facts: Mapping[str, Any] | None = None,
    recipient: str = "",
    language: str = "",
) -> None:
    """Queue one mail; call it inside the fact's transaction. A key that is already there is left as it is.

    `recipient` defaults to the user's address, `language` to the one that the user chose.
    """
    queue_mails([Mail(key, template, user.pk if user else None, facts or {}, recipient, language)])


def queue_mails(mails: Iterable[Mail]) -> None:
    """Queue many mails in one statement. Raises KeyError for a template that nobody registered."""
    from .mail import registered

    wanted = list(mails)
    if not wanted:
        return
    for mail in wanted:
        registered(mail.template)  # a mail that nobody can render must fail the fact's test, not a worker at night
    people = _people({mail.user_id for mail in wanted if mail.user_id is not None})
    OutgoingMail.objects.bulk_create(
        [_row(mail, *people.get(mail.user_id, ("", ""))) for mail in wanted], ignore_conflicts=True, batch_size=1000
    )
    wake(SEND_TASK)


def _row(mail: Mail, email: str, language: str) -> OutgoingMail:
    return OutgoingMail(
        key=mail.key,
        template=mail.template,
        user_id=mail.user_id,
        recipient=mail.recipient or email,
        language=mail.language or language or get_language() or settings.LANGUAGE_CODE,
        facts=dict(mail.facts),
    )


def _people(ids: set[int]) -> dict[int | None, tuple[str, str]]:
    """Address and language of each user; users without a profile read the site's language."""
    if not ids:
        return {}
    languages = dict(UserProfile.objects.filter(user_id__in=ids).values_list("user_id", "language"))
    addresses = User.objects.filter(pk__in=ids).values_list("pk", "email")
    return {pk: (email, languages.get(pk, settings.LANGUAGE_CODE)) for pk, email in addresses}
