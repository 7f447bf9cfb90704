"""A code from the mailbox: derived, never stored, good once, for ten minutes and five tries."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
import time_machine
from django.core import serializers
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts import mailed_codes
from accounts.mailed_codes import DEVICE, CodeExpired, CodeRefused, CodeTriedTooOften, TooManyCodes
from accounts.models import MailedCode, OutgoingMail, User
from accounts.outbox import queue_mail
from accounts.tasks import send_outgoing_mail
from tests.payouts.people import a_customer
from tests.support.databases import CommittedDatabase
from tests.support.mail import MailCatcher


@pytest.fixture
def anna(committed_db: CommittedDatabase) -> User:
    return a_customer()


def made(user: User) -> tuple[str, str]:
    """A new code's id and digits."""
    code_id = mailed_codes.make(user_id=user.pk, purpose=DEVICE)
    return code_id, mailed_codes.derive(code_id, purpose=DEVICE)


def verify(code_id: str, user: User, typed: str, purpose: str = DEVICE) -> None:
    mailed_codes.verify(code_id=code_id, user_id=user.pk, purpose=purpose, typed=typed)


def wrong(code: str) -> str:
    return str((int(code) + 1) % 10**8).zfill(8)


def test_the_right_code_is_taken_once(anna: User) -> None:
    code_id, code = made(anna)
    assert len(code) == 8
    assert code.isdecimal()
    verify(code_id, anna, code)
    with pytest.raises(CodeExpired):
        verify(code_id, anna, code)


@pytest.mark.parametrize("shape", ["{0} {1}", "{0}-{1}", " {0}{1}\n", "{0}\u00a0{1}"])
def test_it_may_be_typed_as_it_is_shown(anna: User, shape: str) -> None:
    code_id, code = made(anna)
    verify(code_id, anna, shape.format(code[:4], code[4:]))


def test_five_wrong_tries_end_it_for_the_right_one_too(anna: User) -> None:
    code_id, code = made(anna)
    for _try in range(4):
        with pytest.raises(CodeRefused):
            verify(code_id, anna, wrong(code))
    with pytest.raises(CodeTriedTooOften):
        verify(code_id, anna, wrong(code))
    with pytest.raises(CodeTriedTooOften):
        verify(code_id, anna, code)


def test_a_hundred_guesses_at_once_are_five_tries(anna: User) -> None:
    code_id, code = made(anna)
    refusals: list[type[Exception]] = []

    def guess() -> None:
        try:
            for _try in range(25):
                try:
                    verify(code_id, anna, wrong(code))
                except CodeRefused as error:
                    refusals.append(type(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refusals) == 100
    assert MailedCode.objects.get().tries == 5


def test_after_ten_minutes_it_is_worth_nothing(anna: User) -> None:
    code_id, code = made(anna)
    with time_machine.travel(timezone.now() + timedelta(seconds=601), tick=False), pytest.raises(CodeExpired):
        verify(code_id, anna, code)


def test_a_new_one_ends_the_one_before(anna: User) -> None:
    first_id, first = made(anna)
    second_id, second = made(anna)
    with pytest.raises(CodeExpired):
        verify(first_id, anna, first)
    verify(second_id, anna, second)


def test_it_is_nobody_elses_and_for_nothing_else(anna: User) -> None:
    code_id, code = made(anna)
    with pytest.raises(CodeExpired):
        verify(code_id, a_customer(), code)
    with pytest.raises(CodeExpired):
        verify(code_id, anna, code, purpose="other")
    assert mailed_codes.derive(code_id, purpose="other") != code
    verify(code_id, anna, code)


@pytest.mark.parametrize("code_id", ["", "x", "00000000-0000-4000-8000-000000000000", "'; DROP TABLE x; --"])
def test_an_id_that_is_none_is_refused(anna: User, code_id: str) -> None:
    with pytest.raises(CodeExpired):
        verify(code_id, anna, "12345678")


@pytest.mark.parametrize("typed", ["", " ", "abc", "1" * 10_000, "１２"])
def test_what_is_no_code_is_refused(anna: User, typed: str) -> None:
    code_id, _code = made(anna)
    with pytest.raises(CodeRefused):
        verify(code_id, anna, typed)


def test_codes_cannot_be_asked_for_without_end(anna: User) -> None:
    for _number in range(mailed_codes.MADE_PER_HOUR_MAX):
        made(anna)
    with pytest.raises(TooManyCodes):
        made(anna)
    made(a_customer())
    with time_machine.travel(timezone.now() + timedelta(hours=1, seconds=1), tick=False):
        made(anna)


def test_old_codes_are_forgotten(anna: User) -> None:
    made(anna)
    with time_machine.travel(timezone.now() + timedelta(days=1, seconds=1), tick=False):
        made(anna)
    assert MailedCode.objects.count() == 1


def test_another_secret_key_makes_another_code(anna: User, settings: Settings) -> None:
    code_id, code = made(anna)
    settings.SECRET_KEY = "another"  # not one that anything uses
    assert mailed_codes.derive(code_id, purpose=DEVICE) != code


def test_the_code_is_in_the_mail_and_in_no_row(anna: User, mail_catcher: MailCatcher) -> None:
    code_id, code = made(anna)
    queue_mail(key="code", template="device_code", user=anna, facts={"code_id": code_id})
    send_outgoing_mail()
    caught = mail_catcher.wait_for(to=anna.email)
    assert mailed_codes.grouped(code) in caught.text
    assert mailed_codes.grouped(code) in caught.html
    assert code[:4] not in caught.subject
    stored = serializers.serialize("json", [*OutgoingMail.objects.all(), *MailedCode.objects.all()])
    assert code not in stored
    assert mailed_codes.grouped(code) not in stored
    assert json.loads(stored)[0]["fields"]["facts"] == {"code_id": code_id}


def test_a_code_that_is_no_longer_good_is_not_mailed(anna: User, mail_catcher: MailCatcher) -> None:
    code_id, _code = made(anna)
    queue_mail(key="code", template="device_code", user=anna, facts={"code_id": code_id})
    made(anna)
    send_outgoing_mail()
    assert not mail_catcher.messages()
    assert OutgoingMail.objects.get().last_error == "the code is no longer good"
