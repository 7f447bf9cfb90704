"""A form on another site that is sent to ours: refused everywhere, because it has no token of ours."""

from __future__ import annotations

from django.http import HttpResponse
from django.test import Client

from accounts.models import ActivityLog
from tests.attacks.everywhere import an_editor, client_of, every_view, of_the_content, of_the_portal, of_the_staff
from tests.payouts.people import a_customer
from tests.support.databases import CommittedDatabase


def refused(client: Client, address: str) -> bool:
    answer: HttpResponse = client.post(address, {"next": "/"})
    return answer.status_code == 403 and "Please send the form again" in answer.content.decode()


def test_every_form_of_the_portal_refuses_what_has_no_token(committed_db: CommittedDatabase) -> None:
    owner, addresses = of_the_portal()
    client = client_of(owner, enforce_csrf_checks=True)
    before = ActivityLog.objects.count()
    assert len(addresses) > 50
    assert [address for address in addresses if not refused(client, address)] == []
    assert ActivityLog.objects.count() == before


def test_every_form_of_the_staff_site_refuses_what_has_no_token(committed_db: CommittedDatabase) -> None:
    person, addresses = of_the_staff(committed_db)
    client = client_of(person, enforce_csrf_checks=True)
    before = ActivityLog.objects.count()
    assert len(addresses) > 100
    assert [address for address in addresses if not refused(client, address)] == []
    assert ActivityLog.objects.count() == before


def test_every_form_of_the_editors_refuses_what_has_no_token(committed_db: CommittedDatabase) -> None:
    client = client_of(an_editor(), enforce_csrf_checks=True)
    assert [address for address in of_the_content() if not refused(client, address)] == []


def test_somebody_elses_token_is_none(committed_db: CommittedDatabase) -> None:
    """A thief's own token, put into the form that the victim is made to send."""
    thief, victim = client_of(), client_of(a_customer(), enforce_csrf_checks=True)
    thief.get("/account/login/")
    token = thief.cookies["csrftoken"].value
    assert refused(victim, "/security/freeze/")
    victim.get("/security/freeze/")
    assert victim.post("/security/freeze/", {"csrfmiddlewaretoken": token}).status_code == 403
    own = victim.cookies["csrftoken"].value
    assert victim.post("/security/freeze/", {"csrfmiddlewaretoken": own}).status_code == 200


def test_no_view_is_exempt_but_what_the_editors_program_reads(committed_db: CommittedDatabase) -> None:
    """Wagtail's explorer asks it for pages and pictures; it changes nothing, and asks for a token by itself."""
    exempt = {route for route, view in every_view() if getattr(view, "csrf_exempt", False)}
    assert {route for route in exempt if not route.startswith("cms/api/main/")} == set()
    assert exempt
    client = client_of(an_editor(), enforce_csrf_checks=True)
    for kind in ("pages", "images", "documents"):
        assert client.get(f"/cms/api/main/{kind}/").status_code == 200, kind
        assert client.post(f"/cms/api/main/{kind}/", {"title": "x"}).status_code in {403, 404, 405}, kind
