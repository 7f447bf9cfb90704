"""Which passwords are taken: the rules are declared once, and every page of a new password asks them."""

from __future__ import annotations

import pytest
from django.conf import settings as configured
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import PastPassword, User
from tests.payouts.people import PASSWORD, a_customer
from tests.support.factors import sign_in

pytestmark = pytest.mark.django_db


def codes(password: str, user: User | None = None) -> set[str]:
    """What is wrong with it."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        return {str(each.code) for each in error.error_list}
    return set()


@pytest.mark.parametrize(
    ("password", "wrong"),
    [
        ("correct horse 1", set()),
        ("верная лошадь 1", set()),
        ("short 1", {"password_too_short"}),
        ("no digits in here", {"password_letter_and_digit"}),
        ("1234567890123", {"password_letter_and_digit", "password_too_common"}),
        ("password123", {"password_too_common"}),
        ("", {"password_too_short", "password_letter_and_digit"}),
    ],
)
def test_what_is_wrong_with_a_password(password: str, wrong: set[str]) -> None:
    assert wrong <= codes(password) <= wrong | {"password_entirely_numeric"}
    assert bool(codes(password)) is bool(wrong)


def test_one_like_the_address_is_refused() -> None:
    user = User(email="anna.karenina1@example.com")
    assert codes("annakarenina1", user) == {"password_too_similar"}


def test_none_of_the_last_five_is_taken_again() -> None:
    user = a_customer()
    for number in range(1, 5):
        user.set_password(f"{PASSWORD}{number}")
        user.save()
    for used in (PASSWORD, *(f"{PASSWORD}{number}" for number in range(1, 5))):
        assert codes(used, user) == {"password_used_before"}
    user.set_password(f"{PASSWORD}5")
    user.save()
    assert codes(PASSWORD, user) == set(), "the sixth before is forgotten"
    assert PastPassword.objects.filter(user=user).count() == 5


def test_another_persons_passwords_do_not_matter() -> None:
    user = a_customer()
    a_customer()
    user.set_password("another horse 2")
    user.save()
    assert codes("another horse 2", a_customer()) == set()


def test_the_password_of_an_account_from_before_there_was_a_history_counts() -> None:
    user = a_customer()
    PastPassword.objects.all().delete()
    assert codes(PASSWORD, user) == {"password_used_before"}


def test_only_hashes_are_kept() -> None:
    user = a_customer()
    row = PastPassword.objects.get(user=user)
    assert PASSWORD not in row.hash
    assert row.hash == user.password


def test_an_account_without_a_password_has_no_history() -> None:
    user = User.objects.create_user("invited@example.com", None)
    assert not PastPassword.objects.filter(user=user).exists()


def test_the_page_says_it_beside_the_field() -> None:
    user, client = a_customer(), Client(headers={"accept-language": "en"})
    sign_in(client, user, stepped_up=True)
    answer = client.post(
        reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": PASSWORD, "password2": PASSWORD}
    )
    assert "You have used this password before" in answer.content.decode()


def test_the_product_hashes_with_argon2(settings: Settings) -> None:
    from portal.settings import base

    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS
    user = User(email="x@example.com")
    user.set_password(PASSWORD)
    assert user.password.startswith("argon2$argon2id$")
    assert user.check_password(PASSWORD)


def test_the_rules_are_declared_in_one_place() -> None:
    assert [each["NAME"].rsplit(".", 1)[1] for each in configured.AUTH_PASSWORD_VALIDATORS] == [
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "LetterAndDigitValidator",
        "NotOneOfTheLastValidator",
    ]
