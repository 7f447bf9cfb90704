"""The anti-phishing phrase: set with a step-up, shown in each mail to its owner, and nowhere else."""

from __future__ import annotations

import logging

import pytest
from django.core import serializers

from accounts.mail import render
from accounts.models import ActivityLog, OutgoingMail, User, UserProfile
from accounts.outbox import queue_mail
from accounts.phrases import (
    PhraseHasHiddenCharacters,
    PhraseIsALink,
    PhraseRefused,
    PhraseTooLong,
    PhraseTooShort,
    clean_phrase,
    set_phrase,
)
from accounts.second_factor import StepUp, StepUpFailed
from accounts.tasks import send_outgoing_mail
from tests.payouts.people import ORIGIN, a_customer, staff
from tests.support.databases import CommittedDatabase
from tests.support.factors import proven
from tests.support.mail import MailCatcher

PHRASE = "heron <b>& noon"


@pytest.fixture
def anna(committed_db: CommittedDatabase) -> User:
    return a_customer()


def choose(user: User, phrase: str = PHRASE) -> bool:
    return set_phrase(user_id=user.pk, phrase=phrase, step_up=proven(user), origin=ORIGIN)


def mail_to(user: User, *, recipient: str = "", template: str = "recovery_code_used") -> tuple[str, str]:
    """Text and HTML of a mail to `user`."""
    queue_mail(key=f"{template}:{recipient}", template=template, user=user, facts={"left": 3}, recipient=recipient)
    message = render(OutgoingMail.objects.latest("id"))
    return str(message.body), str(message.alternatives[0][0])


def test_every_mail_shows_it_from_then_on_as_it_was_typed(anna: User) -> None:
    assert choose(anna)
    text, html = mail_to(anna)
    assert f"Your phrase: {PHRASE}" in text
    assert "heron &lt;b&gt;&amp; noon" in html


def test_the_change_is_told_by_a_mail_that_shows_the_new_phrase(anna: User, mail_catcher: MailCatcher) -> None:
    choose(anna)
    send_outgoing_mail()
    caught = mail_catcher.wait_for(to=anna.email, subject="Your phrase in our mails was changed")
    assert PHRASE in caught.text
    assert "/security/not-me/" in caught.text
    assert "192.0.2.7" in caught.text


def test_it_is_audited_without_its_text(anna: User) -> None:
    choose(anna)
    choose(anna, "another one")
    choose(anna, "")
    entries = ActivityLog.objects.filter(target_id=str(anna.pk)).order_by("id")
    assert [entry.action for entry in entries] == ["phrase.set", "phrase.changed", "phrase.removed"]
    assert PHRASE not in serializers.serialize("json", [*entries, *OutgoingMail.objects.all()])


def test_it_is_in_no_log(anna: User, mail_catcher: MailCatcher, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="accounts"):
        choose(anna)
        send_outgoing_mail()
    assert "heron" not in " ".join(record.getMessage() for record in caplog.records if "mail.log" not in record.name)


def test_without_it_mails_say_where_to_set_one(anna: User) -> None:
    text, html = mail_to(anna)
    assert "Set a phrase" in text
    assert "/security/phrase/" in html


def test_removing_it_brings_the_hint_back(anna: User) -> None:
    choose(anna)
    choose(anna, " ")
    text, _html = mail_to(anna)
    assert "heron" not in text
    assert "Set a phrase" in text


def test_the_same_phrase_again_changes_nothing(anna: User) -> None:
    choose(anna)
    before = ActivityLog.objects.count(), OutgoingMail.objects.count()
    assert not choose(anna, f"  {PHRASE} ")
    assert (ActivityLog.objects.count(), OutgoingMail.objects.count()) == before


def test_a_wrong_code_changes_nothing(anna: User) -> None:
    with pytest.raises(StepUpFailed):
        set_phrase(user_id=anna.pk, phrase=PHRASE, step_up=StepUp(code="000000"), origin=ORIGIN)
    assert UserProfile.objects.get(user=anna).anti_phishing_phrase == ""


def test_an_address_that_is_not_the_accounts_learns_neither_phrase_nor_name(anna: User) -> None:
    """The former mailbox may be somebody else's by now."""
    User.objects.filter(pk=anna.pk).update(full_name="Anna Petrova")
    anna.refresh_from_db()
    choose(anna)
    text, html = mail_to(anna, recipient="former@example.com")
    for part in (text, html):
        assert "heron" not in part
        assert "Petrova" not in part
        assert "Set a phrase" not in part
    text, _html = mail_to(anna)
    assert "Hello, Anna Petrova." in text


def test_a_mail_to_an_unproven_address_shows_no_phrase(anna: User) -> None:
    choose(anna)
    text, _html = mail_to(anna, template="unknown_account")
    assert "heron" not in text


def test_staff_are_not_asked_to_set_one(committed_db: CommittedDatabase) -> None:
    text, _html = mail_to(staff("support"))
    assert "phrase" not in text


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("heron at noon", "heron at noon"),
        ("  two   spaces ", "two spaces"),
        ("цапля 🐦 в полдень", "цапля 🐦 в полдень"),
        ("e\u0301tude", "étude"),
        ("x" * 40, "x" * 40),
        ("", ""),
        ("   ", ""),
    ],
)
def test_what_may_be_a_phrase(typed: str, kept: str) -> None:
    assert clean_phrase(typed) == kept


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        ("abc", PhraseTooShort),
        ("x" * 41, PhraseTooLong),
        ("x" * 100_000, PhraseTooLong),
        ("with\nline", PhraseHasHiddenCharacters),
        ("with\ttab", PhraseHasHiddenCharacters),
        ("with\x00null", PhraseHasHiddenCharacters),
        ("with\x1b[31mcolour", PhraseHasHiddenCharacters),
        ("turned \u202eround", PhraseHasHiddenCharacters),
        ("isolated \u2066text", PhraseHasHiddenCharacters),
        ("zero\u200bwidth", PhraseHasHiddenCharacters),
        ("line\u2028separator", PhraseHasHiddenCharacters),
        ("private \ue000 use", PhraseHasHiddenCharacters),
        ("https://evil.example", PhraseIsALink),
        ("see www.evil.example", PhraseIsALink),
        ("write to a@evil.example", PhraseIsALink),
    ],
)
def test_what_may_not(typed: str, refusal: type[PhraseRefused]) -> None:
    with pytest.raises(refusal) as refused:
        clean_phrase(typed)
    assert typed not in str(refused.value)
