"""Which deeds of the staff ask who is at the keyboard, against the table in docs/roles.md; and that files ask, too."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.freezes import freeze_withdrawals
from accounts.models import ActivityLog, OutgoingMail, SpentCode, User
from accounts.roles import ROLES
from accounts.staff_users import change_staff_user
from payouts.models import WithdrawalRequest
from payouts.withdrawals import claim_withdrawal, hold_withdrawal
from tests.payouts.people import PASSWORD, USDT, a_customer, in_review, staff
from tests.portal.admin.conftest import SignedIn
from tests.portal.admin.rows import a_network_state, an_alarm
from tests.portal.admin.test_who_may_open_what import WHO
from tests.portal.admin.test_who_may_open_what import written as written_addresses
from tests.portal.admin.test_withdrawal_dialogs import failed
from tests.support.factors import code_of, give_app, proven, sign_in
from treasury.halts import halt_network

pytestmark = pytest.mark.django_db
PAPER = Path(__file__).parents[3] / "docs" / "roles.md"
ROOT = PAPER.parents[1]
NO, RECENT, EACH_TIME = "no", "5 minutes", "each time"
UNTIL = f"{timezone.now() + dt.timedelta(days=2):%Y-%m-%dT%H:%M}"
Given = dict[str, Any]
Ready = tuple[str, list[Any], Given, User]
"""The address's name, the keys in it, what the form is given, and who sends it."""


def written() -> dict[str, str]:
    """Deed -> what it asks for, as docs/roles.md has it."""
    text = PAPER.read_text(encoding="utf-8").partition("## What asks for a proof")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \| [^|]+ \|$", text, re.MULTILINE))


# --- each deed, ready to be done: who does it, to what, with what ---


def _failed(_person: User) -> WithdrawalRequest:
    return failed(a_customer(micro=100 * USDT))


def _withdrawal(deed: str, given: Given, *, role: str = "support", before: Callable[..., Any] | None = None) -> Any:
    def ready() -> Ready:
        person = staff(role)
        row = before(person) if before else in_review(a_customer(micro=100 * USDT))
        row.refresh_from_db()
        return f"payouts_withdrawalrequest_{deed}", [row.pk], {**given, "revision": row.revision}, person

    return ready


def _held(person: User) -> WithdrawalRequest:
    row = in_review(a_customer(micro=100 * USDT))
    return hold_withdrawal(
        withdrawal_id=row.pk, actor=person, revision=row.revision, reason="a look", step_up=proven(person)
    )


def _claimed(person: User) -> WithdrawalRequest:
    return claim_withdrawal(withdrawal_id=in_review(a_customer(micro=100 * USDT)).pk, actor=person)


def _customer(deed: str, given: Given, *, frozen: bool = False) -> Any:
    def ready() -> Ready:
        customer = a_customer()
        if frozen:
            freeze_withdrawals(user_id=customer.pk, reason="test", process="test")
        return f"accounts_customer_{deed}", [customer.pk], given, staff("support")

    return ready


def _network(deed: str) -> Any:
    def ready() -> Ready:
        a_network_state()
        if deed == "resume":
            halt_network("arbitrum", "test")
        return f"treasury_networkstate_{deed}", ["arbitrum"], {"reason": "It was looked at"}, staff("treasurer")

    return ready


def _alarm() -> Ready:
    return "treasury_alarm_resolve", [an_alarm().pk], {"reason": "The node was restarted"}, staff("treasurer")


def _mail() -> Ready:
    customer = a_customer()
    row = OutgoingMail.objects.create(
        key="test:1", template="recovery_code_used", user=customer, recipient=customer.email, language="en",
        facts={"left": 3, "ip": "192.0.2.9"}, state="sent",
    )  # fmt: skip
    return "accounts_outgoingmail_send_again", [row.pk], {"reason": "It did not come"}, staff("support")


def _export() -> Ready:
    return "accounts_activitylog_export", [], {}, staff("admin")


def _add_colleague() -> Ready:
    group = Group.objects.get(name="support")
    given = {"email": "new@example.com", "full_name": "New", "groups": [group.pk]}
    return "accounts_staffuser_add", [], given, staff("admin")


def _change_colleague() -> Ready:
    group = Group.objects.get(name="treasurer")
    given = {"full_name": "Promoted", "is_active": "on", "groups": [group.pk]}
    return "accounts_staffuser_change", [staff("support").pk], given, staff("admin")


def _logout() -> Ready:
    return "logout", [], {}, staff("support")


DEEDS: dict[str, Callable[[], Ready]] = {
    "logout": _logout,
    "accounts_activitylog_export": _export,
    "accounts_outgoingmail_send_again": _mail,
    "accounts_staffuser_add": _add_colleague,
    "accounts_staffuser_change": _change_colleague,
    "treasury_alarm_resolve": _alarm,
    "treasury_networkstate_halt": _network("halt"),
    "treasury_networkstate_resume": _network("resume"),
    "payouts_withdrawalrequest_approve": _withdrawal("approve", {}),
    "payouts_withdrawalrequest_hold": _withdrawal("hold", {"reason": "Please send a statement."}),
    "payouts_withdrawalrequest_release": _withdrawal("release", {}, before=_held),
    "payouts_withdrawalrequest_reject": _withdrawal("reject", {"reason_for_customer": "Sanctioned."}),
    "payouts_withdrawalrequest_claim": _withdrawal("claim", {}),
    "payouts_withdrawalrequest_release_claim": _withdrawal("release_claim", {}, before=_claimed),
    "payouts_withdrawalrequest_add_note": _withdrawal("add_note", {"text": "Called them."}),
    "payouts_withdrawalrequest_retry": _withdrawal(
        "retry", {"reason": "The node was down."}, role="treasurer", before=_failed
    ),
    "payouts_withdrawalrequest_give_back": _withdrawal(
        "give_back", {"reason": "Cannot be paid."}, role="treasurer", before=_failed
    ),
    "accounts_customer_freeze": _customer("freeze", {"reason": "Stolen phone"}),
    "accounts_customer_unfreeze": _customer("unfreeze", {"reason": "It was found"}, frozen=True),
    "accounts_customer_hold": _customer("hold", {"reason": "A look", "until": UNTIL}),
}  # fmt: skip


# --- sending them, and what the database holds ---


def send(client: Client, name: str, keys: list[Any], given: Given) -> HttpResponse:
    answer = client.post(
        reverse(f"admin:{name}", args=keys), {"_form_submitted": "True", **given}, headers={"hx-request": "true"}
    )
    assert answer.status_code in {200, 302}, (name, answer.status_code)
    return answer


def was_done(answer: HttpResponse) -> bool:
    """Whether the form was carried out: it leads on, or hands a file out."""
    return answer.status_code == 302 or "HX-Redirect" in answer.headers or answer.has_header("Content-Disposition")


def everything_stored() -> dict[str, str]:
    """Each table's content, in short. Sessions change by looking; failed tries are in the audit and the history."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = {name for (name,) in cursor.fetchall()}
        content = {}
        grow = {"django_session", "accounts_activitylog", "accounts_loginhistory"}
        for table in tables - grow - {"treasury_approverkey"}:  # which only the signer's role reads or writes
            cursor.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM \"{table}\" t")
            (content[table],) = cursor.fetchone()
    return content


def deeds_audited() -> int:
    return ActivityLog.objects.exclude(action__startswith="step_up.").count()


def stale_proof(client: Client, seconds: int) -> None:
    """As after a code that was given so many seconds ago."""
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] = time.time() - seconds
    session.save()


# --- the table ---


def test_each_deed_of_the_staff_is_in_the_table_and_no_other() -> None:
    done = {name for name, line in written_addresses().items() if any("do" in line[who] for who in WHO)}
    assert set(written()) == done == set(DEEDS)
    assert set(written().values()) == {NO, RECENT, EACH_TIME}


@pytest.mark.parametrize("deed", [name for name, asks in written().items() if asks != NO])
@pytest.mark.parametrize("proof", ["none", "wrong code", "the password", "six minutes old"])
def test_without_a_fresh_proof_it_is_refused_and_nothing_has_changed(
    signed_in: SignedIn, deed: str, proof: str
) -> None:
    name, keys, given, person = DEEDS[deed]()
    client, _same = signed_in(user=person, stepped_up=proof == "six minutes old")
    if proof == "six minutes old":
        stale_proof(client, settings.STEP_UP_MAX_AGE_SECONDS + 60)
    given = given | {"wrong code": {"code": "000000"}, "the password": {"password": PASSWORD}}.get(proof, {})
    before, audited = everything_stored(), deeds_audited()
    answer = send(client, name, keys, given)
    assert not was_done(answer)
    assert everything_stored() == before
    assert deeds_audited() == audited
    expected = "The code is not right" if proof == "wrong code" else "Confirm that it is you"
    assert expected in answer.content.decode()


@pytest.mark.parametrize("deed", [name for name, asks in written().items() if asks != EACH_TIME])
def test_with_a_proof_of_minutes_ago_it_is_done(signed_in: SignedIn, deed: str) -> None:
    name, keys, given, person = DEEDS[deed]()
    client, _same = signed_in(user=person, stepped_up=written()[deed] == RECENT)
    if written()[deed] == RECENT:
        stale_proof(client, settings.STEP_UP_MAX_AGE_SECONDS - 60)
    before, audited = everything_stored(), deeds_audited()
    answer = send(client, name, keys, given)
    assert was_done(answer), answer.content.decode()
    assert deeds_audited() > audited, "a privileged act is in the audit"
    if deed not in {"logout", "accounts_activitylog_export"}:
        assert everything_stored() != before


@pytest.mark.parametrize("deed", [name for name, asks in written().items() if asks == EACH_TIME])
def test_what_asks_each_time_takes_no_proof_of_minutes_ago(signed_in: SignedIn, deed: str) -> None:
    name, keys, given, person = DEEDS[deed]()
    client, _same = signed_in(user=person, stepped_up=True)
    before = everything_stored()
    assert not was_done(send(client, name, keys, given))
    assert everything_stored() == before


def test_who_works_is_asked_once_in_five_minutes(signed_in: SignedIn) -> None:
    client, person = signed_in("treasurer")
    a_network_state()
    given = {"reason": "The node contradicts itself"}
    assert was_done(send(client, "treasury_networkstate_halt", ["arbitrum"], {**given, "code": code_of(person)}))
    assert was_done(send(client, "treasury_networkstate_resume", ["arbitrum"], given))
    assert was_done(send(client, "treasury_alarm_resolve", [an_alarm().pk], given))


def test_somebody_elses_proof_is_none(signed_in: SignedIn) -> None:
    name, keys, given, person = DEEDS["accounts_staffuser_change"]()
    client, _same = signed_in(user=person, stepped_up=True)
    session = client.session
    session["account_authentication_methods_user"] = str(staff("admin").pk)
    session.save()
    assert not was_done(send(client, name, keys, given))


# --- the form that is no dialog ---


def test_the_form_of_a_colleague_asks_for_a_code_and_keeps_what_was_typed(signed_in: SignedIn) -> None:
    name, keys, given, person = DEEDS["accounts_staffuser_change"]()
    client, _same = signed_in(user=person)
    page = client.get(reverse(f"admin:{name}", args=keys)).content.decode()
    assert 'name="code"' in page
    shown = send(client, name, keys, {**given, "code": "000000"}).content.decode()
    assert "The code is not right" in shown
    assert 'value="Promoted"' in shown
    assert send(client, name, keys, {**given, "code": code_of(person)}).status_code == 302
    again = client.get(reverse(f"admin:{name}", args=keys)).content.decode()
    assert "You have just confirmed that it is you." in again
    assert 'name="code"' not in again


def test_a_page_that_may_not_be_saved_asks_for_nothing_and_spends_no_code(signed_in: SignedIn) -> None:
    client, person = signed_in("admin")
    page = reverse("admin:accounts_staffuser_change", args=[person.pk])
    assert 'name="code"' not in client.get(page).content.decode()
    spent = SpentCode.objects.count()
    assert client.post(page, {"full_name": "Me", "code": code_of(person)}).status_code == 403
    assert SpentCode.objects.count() == spent


def test_an_operation_of_its_own_is_audited_with_where_it_came_from(signed_in: SignedIn) -> None:
    name, keys, given, person = DEEDS["accounts_customer_freeze"]()
    client, _same = signed_in(user=person, stepped_up=True)
    send(client, name, keys, given)
    assert ActivityLog.objects.get(action="withdrawals.frozen", actor=person).ip_address == "127.0.0.1"


# --- files, and the content pages ---


def test_files_leave_by_the_doors_that_ask() -> None:
    """Whoever adds an export is led here: it asks for a proof, and is written into docs/roles.md."""
    makes_a_file = re.compile(r"Content-Disposition|FileResponse|StreamingHttpResponse|as_attachment|text/csv")
    found = {
        str(path.relative_to(ROOT))
        for app in ("accounts", "payouts", "portal", "treasury")
        for path in (ROOT / app).rglob("*.py")
        if makes_a_file.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"accounts/admin/activity_export.py", "portal/middleware.py"}


@pytest.fixture
def root() -> tuple[Client, User]:
    """A superuser, who alone sees the content pages."""
    person = User.objects.create_superuser("root@example.com", PASSWORD)
    give_app(person)
    client = Client(headers={"accept-language": "en"})
    sign_in(client, person)
    return client, person


LISTS = ("/cms/reports/site-history/?export=csv", "/cms/redirects/?export=xlsx", "/cms/reports/aging-pages/?export=csv")


@pytest.mark.parametrize("address", LISTS)
def test_a_list_of_the_content_pages_leaves_as_a_file_only_with_a_proof(
    root: tuple[Client, User], address: str
) -> None:
    client, person = root
    asked = client.get(address)
    assert asked["Location"].startswith("/account/reauthenticate/?next=%2Fcms%2F")
    led = client.get(asked["Location"])["Location"]
    assert led.startswith("/account/2fa/reauthenticate/?next=")
    assert client.post(led, {"code": code_of(person)})["Location"] == address
    answer = client.get(address)
    assert answer.has_header("Content-Disposition")
    assert ActivityLog.objects.get(action="content.exported").actor == person
    stale_proof(client, settings.STEP_UP_MAX_AGE_SECONDS + 60)
    assert client.get(address).status_code == 302


@pytest.mark.parametrize(
    "address",
    ["users/", "users/?export=csv", "users/new/", "users/edit/{pk}/", "groups/", "groups/new/", "groups/edit/{group}/",
     "bulk/accounts/user/assign_role/?id={pk}", "bulk/accounts/user/delete/?id={pk}",
     "bulk/accounts/user/set_active_state/?id={pk}"],
)  # fmt: skip
def test_people_and_roles_are_not_changed_in_the_content_pages(root: tuple[Client, User], address: str) -> None:
    client, colleague = Client(), staff("support")
    sign_in(client, root[1], stepped_up=True)
    address = "/cms/" + address.format(pk=colleague.pk, group=Group.objects.get(name="support").pk)
    before = everything_stored()
    assert client.get(address).status_code == 404
    assert client.post(address, {"is_superuser": "on", "email": colleague.email}).status_code == 404
    assert everything_stored() == before


def test_the_menu_of_the_content_pages_leaves_them_out(root: tuple[Client, User]) -> None:
    client, _person = root
    page = client.get("/cms/")
    assert page.status_code == 200
    assert "/cms/users/" not in page.content.decode()
    assert "/cms/groups/" not in page.content.decode()


def test_roles_are_changed_by_nobody_without_an_entry_in_the_audit() -> None:
    colleague, actor = staff("support"), staff("admin")
    change_staff_user(user_id=colleague.pk, full_name="", is_active=True, roles=list(ROLES), actor=actor)
    assert ActivityLog.objects.filter(action="staff.changed", actor=actor).count() == 1
    assert Authenticator.objects.filter(user=colleague).exists()
