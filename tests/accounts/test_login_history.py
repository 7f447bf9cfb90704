"""The login history: what is written down of each try, what is odd, and who is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import time_machine
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import translation
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from accounts import geoip
from accounts.activity import Origin
from accounts.login_history import (
    Result,
    last_flagged_of,
    last_sign_in_of,
    record_refusal,
    record_sign_in,
    sign_ins_of,
)
from accounts.models import ActivityLog, LoginHistory, OutgoingMail, User
from tests.accounts.places import BERLIN, GOOGLE, MOSCOW, MUNICH, TOKYO, YANDEX, cities_file
from tests.accounts.test_user_agents import CHROME
from tests.payouts.people import a_customer
from tests.support.databases import CommittedDatabase

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LOCAL = "127.0.0.1"


@pytest.fixture
def cities(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """The operator has given a file that knows cities."""
    geoip._usable.cache_clear()
    settings.GEOIP_FILE = cities_file(tmp_path)
    yield
    geoip._usable.cache_clear()


def sign_in(user: User, address: str | None, hours: float = 0, **more: Any) -> LoginHistory:
    with time_machine.travel(NOON + timedelta(hours=hours), tick=False):
        return record_sign_in(user=user, origin=Origin(address, CHROME), **more)


@pytest.mark.django_db
def test_a_sign_in_is_written_down_with_place_and_browser(cities: None) -> None:
    user = a_customer()
    sign_in(user, BERLIN, method="password+totp", device_id=7)
    row = LoginHistory.objects.get()
    assert (row.user, row.at, row.result, row.method) == (user, NOON, "success", "password+totp")
    assert (row.ip_address, row.country, row.city) == (BERLIN, "DE", "Berlin")
    assert (row.latitude, row.longitude) == (52.52, 13.405)
    assert (row.browser, row.system, row.device_id) == ("Chrome 131", "Windows 10", 7)
    with translation.override("en"):
        assert (row.place, row.program) == ("Berlin, Germany", "Chrome 131, Windows 10")
        assert row.method_words == "Password, Authenticator app"


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "place"), [("ru", "Berlin, Германия"), ("en", "Berlin, Germany")])
def test_the_place_is_told_in_the_readers_language(cities: None, language: str, place: str) -> None:
    row = sign_in(a_customer(), BERLIN)
    with translation.override(language):
        assert row.place == place


@pytest.mark.django_db
def test_a_sign_in_from_nowhere_known_is_one_all_the_same() -> None:
    user = a_customer()
    for origin in (None, Origin(), Origin(LOCAL, "")):
        row = record_sign_in(user=user, origin=origin)
        assert (row.place, row.program, row.flags) == ("", "", [])
    assert LoginHistory.objects.count() == 3


# --- what is odd ---


@pytest.mark.django_db
def test_the_first_sign_in_ever_is_from_no_new_country() -> None:
    assert not sign_in(a_customer(), YANDEX).is_flagged


@pytest.mark.django_db
def test_another_country_is_new_once() -> None:
    user = a_customer()
    rows = [sign_in(user, address, hours) for hours, address in enumerate((YANDEX, GOOGLE, GOOGLE, YANDEX))]
    assert [row.new_country for row in rows] == [False, True, False, False]


@pytest.mark.django_db
def test_the_first_known_place_after_unknown_ones_is_not_new() -> None:
    """Else the day on which an operator gives a database would write to every customer."""
    user = a_customer()
    assert not [sign_in(user, address).is_flagged for address in (LOCAL, None, YANDEX, LOCAL)].count(True)
    assert sign_in(user, GOOGLE, 1).new_country


@pytest.mark.django_db
def test_tries_that_failed_make_no_country_known() -> None:
    """A thief who guessed a day long is not at home for that."""
    user = a_customer()
    sign_in(user, YANDEX)
    for result in (Result.WRONG_PASSWORD, Result.WRONG_CODE, Result.CODE_ASKED, Result.THROTTLED, Result.CLOSED):
        record_refusal(user=user, result=result, origin=Origin(GOOGLE, CHROME))
    assert sign_in(user, GOOGLE, 5).new_country


@pytest.mark.django_db
def test_other_peoples_sign_ins_make_no_country_known() -> None:
    user, other = a_customer(), a_customer()
    sign_in(other, GOOGLE)
    sign_in(user, YANDEX)
    assert sign_in(user, GOOGLE, 1).new_country
    assert not sign_in(other, GOOGLE, 1).is_flagged


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("first", "second", "hours", "odd"),
    [
        (BERLIN, TOKYO, 8, True), (BERLIN, TOKYO, 10, False), (BERLIN, MUNICH, 0.2, True), (BERLIN, MUNICH, 1, False),
        (BERLIN, MOSCOW, 1, True), (BERLIN, MOSCOW, 2, False), (BERLIN, LOCAL, 0.01, False),
    ],
)  # fmt: skip
def test_a_traveller_faster_than_an_airliner_is_odd(
    cities: None, first: str, second: str, hours: float, odd: bool
) -> None:
    user = a_customer()
    sign_in(user, first)
    assert sign_in(user, second, hours).impossible_travel is odd


@pytest.mark.django_db
@pytest.mark.parametrize(("minutes", "odd"), [(1, True), (29, True), (30, False), (600, False)])
def test_with_countries_alone_only_minutes_are_odd(minutes: int, odd: bool) -> None:
    user = a_customer()
    sign_in(user, YANDEX)
    sign_in(user, LOCAL, minutes / 120)  # at home behind a proxy, in between: not a place
    assert sign_in(user, GOOGLE, minutes / 60).impossible_travel is odd


# --- who is told ---


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["ru", "en"])
def test_an_odd_sign_in_is_told_to_its_owner_and_to_the_audit(language: str) -> None:
    user = a_customer(language=language)
    sign_in(user, YANDEX)
    row = sign_in(user, GOOGLE, 0.1, method="password")
    mail = OutgoingMail.objects.get()
    assert (mail.template, mail.user, mail.language, mail.key) == (
        "new_sign_in",
        user,
        language,
        f"new_sign_in:{row.pk}",
    )
    line = ActivityLog.objects.get(action="account.sign_in_flagged")
    assert (line.actor, line.target_id, line.ip_address) == (user, str(user.pk), GOOGLE)
    assert line.facts == mail.facts
    assert line.facts | {"new_country": True, "impossible_travel": True, "country": "US"} == line.facts


@pytest.mark.django_db
def test_an_ordinary_sign_in_is_told_to_nobody() -> None:
    user = a_customer()
    for hours in range(3):
        sign_in(user, YANDEX, hours)
    record_refusal(user=user, result=Result.WRONG_PASSWORD, origin=Origin(GOOGLE, CHROME))
    assert not OutgoingMail.objects.exists()
    assert not ActivityLog.objects.exists()


@pytest.mark.django_db
def test_the_mail_says_where_and_why() -> None:
    from accounts.mail import render

    user = a_customer(language="en")
    sign_in(user, YANDEX)
    sign_in(user, GOOGLE, 0.1)
    message = render(OutgoingMail.objects.get())
    assert message.subject == "Somebody signed in from United States"
    for fact in (
        "United States",
        GOOGLE,
        "Chrome 131, Windows 10",
        "23 November 2026, 12:06 UTC",
        "/security/sign-ins/",
    ):
        assert fact in message.body, fact


# --- what it costs ---


@pytest.mark.django_db
def test_a_sign_in_costs_one_read_and_one_insert(django_assert_num_queries: Any) -> None:
    user = a_customer()
    for address in (YANDEX, YANDEX):
        with django_assert_num_queries(2):
            sign_in(user, address)
    with django_assert_num_queries(1):
        sign_in(user, LOCAL)  # nothing to compare
    with django_assert_num_queries(1):
        record_refusal(user=user, result=Result.WRONG_PASSWORD, origin=Origin(GOOGLE, CHROME))


@pytest.mark.django_db
def test_the_read_goes_by_indexes_however_long_the_history() -> None:
    user = a_customer()
    LoginHistory.objects.bulk_create(
        LoginHistory(user=user, result="success" if number % 3 else "wrong_password", country="RU", ip_address=YANDEX)
        for number in range(5000)
    )
    statement = (
        "EXPLAIN SELECT id, EXISTS(SELECT 1 FROM accounts_loginhistory o WHERE o.country = 'US'"
        " AND o.result = 'success' AND o.user_id = %(user)s) FROM accounts_loginhistory l"
        " WHERE l.result = 'success' AND l.user_id = %(user)s AND NOT (l.country = '') ORDER BY id DESC LIMIT 1"
    )
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(statement, {"user": user.pk})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "sign_in_known_place" in plan
    assert "sign_in_user_country" in plan
    assert "Sort" not in plan


# --- reading it ---


@pytest.mark.django_db
def test_it_is_read_by_pages_newest_first() -> None:
    user, other = a_customer(), a_customer()
    made = [sign_in(user, LOCAL, hours).pk for hours in range(7)]
    sign_in(other, LOCAL)
    first = sign_ins_of(user.pk, limit=4)
    second = sign_ins_of(user.pk, before_id=first[-1].pk, limit=4)
    assert [row.pk for row in first + second] == made[::-1]
    assert sign_ins_of(user.pk, before_id=made[0]) == []


@pytest.mark.django_db
def test_the_last_sign_in_is_one_that_got_in() -> None:
    user = a_customer()
    assert last_sign_in_of(user.pk) is None
    row = sign_in(user, LOCAL)
    record_refusal(user=user, result=Result.WRONG_PASSWORD, origin=None)
    assert last_sign_in_of(user.pk) == row
    assert last_flagged_of(user.pk) is None


@pytest.mark.django_db
def test_the_last_odd_one_is_found_behind_ordinary_ones() -> None:
    user = a_customer()
    sign_in(user, YANDEX)
    odd = sign_in(user, GOOGLE, 5)
    sign_in(user, GOOGLE, 6)
    assert last_flagged_of(user.pk) == odd


# --- it stays as it is ---


@pytest.mark.django_db
def test_what_is_written_stays() -> None:
    sign_in(a_customer(), YANDEX)
    for deed in (lambda: LoginHistory.objects.update(country="US"), lambda: LoginHistory.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            deed()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE accounts_loginhistory")


def test_not_even_the_owner_of_the_table_changes_it_and_the_signer_reads_nothing(
    committed_db: CommittedDatabase,
) -> None:
    record_sign_in(user=a_customer(), origin=None)
    with psycopg.connect(committed_db.owner_url, autocommit=True) as owner:
        for statement in ("UPDATE accounts_loginhistory SET city = 'x'", "DELETE FROM accounts_loginhistory"):
            with pytest.raises(psycopg.errors.RestrictViolation):
                owner.execute(statement)
    with (
        psycopg.connect(committed_db.signer_url, autocommit=True) as signer,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        signer.execute("SELECT * FROM accounts_loginhistory")


@pytest.mark.django_db
def test_only_a_sign_in_can_be_odd() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        LoginHistory.objects.create(user=a_customer(), result="wrong_password", new_country=True)
    with pytest.raises(ValueError, match="no refusal"):
        record_refusal(user=a_customer(), result=Result.SUCCESS, origin=None)


TRIES = st.lists(
    st.tuples(st.sampled_from([YANDEX, GOOGLE, "193.99.144.80", LOCAL, None]), st.booleans(), st.integers(1, 90)),
    max_size=12,
)


@pytest.mark.django_db
@given(TRIES)
@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_whatever_the_order_flags_are_what_the_rows_before_say(tries: list[tuple[str | None, bool, int]]) -> None:
    """The rules said over, from all rows: a new country is one that no earlier success has, if any has one."""
    user, minutes = a_customer(), 0
    known: set[str] = set()
    last: tuple[str, int] | None = None
    for address, gets_in, later in tries:
        minutes += later
        if not gets_in:
            record_refusal(user=user, result=Result.WRONG_PASSWORD, origin=Origin(address, ""))
            continue
        row = sign_in(user, address, minutes / 60)
        assert row.new_country is bool(row.country and known and row.country not in known)
        moved = bool(row.country and last and last[0] != row.country)
        assert row.impossible_travel is (moved and last is not None and minutes - last[1] < 30)
        if row.country:
            known.add(row.country)
            last = (row.country, minutes)
