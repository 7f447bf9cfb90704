"""The anti-phishing phrase: its owner chooses it, each of our mails to them shows it, and nothing else ever does."""

from __future__ import annotations

import unicodedata
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from . import activity, security_emails
from .mail_text import has_hidden
from .models import User, UserProfile
from .outbox import queue_mail
from .second_factor import StepUp, verify_step_up
from .settings_lock import require_unlocked

SHORTEST: Final = 4
LONGEST: Final = 40


class PhraseRefused(ValueError):
    """What was typed cannot be a phrase. `message` may be shown; it never quotes what was typed."""

    message = _("This cannot be a phrase.")

    def __str__(self) -> str:
        return str(self.message)


class PhraseTooShort(PhraseRefused):
    message = _("Take at least four characters.")


class PhraseTooLong(PhraseRefused):
    message = _("Take 40 characters at most.")


class PhraseHasHiddenCharacters(PhraseRefused):
    message = _(
        "The phrase has characters that cannot be seen, or that turn the text around. Type it instead of pasting it."
    )


class PhraseIsALink(PhraseRefused):
    message = _("Take words, not an address on the internet or of a mailbox.")


def clean_phrase(typed: str) -> str:
    """`typed` as it is kept and shown; "" for nothing. Raises PhraseRefused."""
    phrase = " ".join(part for part in unicodedata.normalize("NFC", typed).strip().split(" ") if part)
    if not phrase:
        return ""
    if has_hidden(phrase):
        raise PhraseHasHiddenCharacters
    if len(phrase) > LONGEST:
        raise PhraseTooLong
    if len(phrase) < SHORTEST:
        raise PhraseTooShort
    if "://" in phrase or "@" in phrase or "www." in phrase.lower():
        raise PhraseIsALink
    return phrase


def set_phrase(*, user_id: int, phrase: str, step_up: StepUp, origin: activity.Origin | None = None) -> bool:
    """Mails to this person show `phrase` from now on; "" takes it away. Returns False when it was so already.

    Audited without its text, and told by mail, so that a change that its owner did not make is seen.
    Raises PhraseRefused, StepUpFailed, and SettingsLocked. Never call it inside a transaction.
    """
    cleaned = clean_phrase(phrase)
    user = User.objects.get(pk=user_id)
    verify_step_up(user=user, credential=step_up, origin=origin, factor_needed=False)
    with transaction.atomic(durable=True):
        require_unlocked(user_id)
        UserProfile.objects.get_or_create(user_id=user_id)
        profile = UserProfile.objects.select_for_update().get(user_id=user_id)
        if profile.anti_phishing_phrase == cleaned:
            return False
        had_one = bool(profile.anti_phishing_phrase)
        UserProfile.objects.filter(pk=profile.pk).update(anti_phishing_phrase=cleaned)
        action = "phrase.removed" if not cleaned else "phrase.changed" if had_one else "phrase.set"
        entry_at = security_emails.where(origin)
        activity.record(actor=user, action=action, target=user, origin=origin)
        queue_mail(
            key=f"phrase:{user_id}:{entry_at['at']}",
            template="phrase_changed",
            user=user,
            facts={**entry_at, "removed": not cleaned},
        )
    return True
