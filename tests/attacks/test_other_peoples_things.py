"""The number of something that is another customer's: answered to the letter as one that does not exist."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import TrustedDevice, UserSession
from payouts.models import SavedAddress, WithdrawalRequest
from tests.attacks.everywhere import a_person, client_of
from tests.payouts.people import USDT, a_customer, staff
from tests.portal.test_who_may_open_the_portal import OF_THE_OWNER, Things
from tests.support.databases import CommittedDatabase

MADE_UP = {
    "withdrawal_confirm": "made-up", "address_confirm": "made-up", "end_session": 10**9, "revoke_device": 10**9,
    "rename_device": 10**9, "mfa_remove_webauthn": 10**9, "mfa_edit_webauthn": 10**9,
}  # fmt: skip
LINKS = {"withdrawal_confirm", "address_confirm"}  # theirs is a token of a mail, which is 410 when it is not good


def answered(client: Client, method: str, name: str, given: Any) -> tuple[int, str]:
    address = reverse(name, args=[given])
    answer = getattr(client, method)(address, {"name": "mine"} if method == "post" else None)
    text = answer.content.decode().replace(address, "ADDRESS")
    return answer.status_code, re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", text)


@pytest.mark.parametrize("who", ["another customer", "a colleague"])
def test_what_is_anothers_is_as_if_it_was_not_there(committed_db: CommittedDatabase, who: str) -> None:
    things = Things(a_customer(micro=1000 * USDT))
    arguments = things.arguments()
    client = client_of(a_person() if who == "another customer" else staff("support"))
    for name in OF_THE_OWNER:
        (theirs,) = arguments[name]()
        for method in ("get", "post"):
            found = answered(client, method, name, theirs)
            absent = answered(client, method, name, MADE_UP.get(name, uuid.UUID(int=0)))
            assert found == absent, (name, method)
            assert found[0] in ({410} if name in LINKS else {404, 405}), (name, method)
    assert WithdrawalRequest.objects.get(pk=things.withdrawal.pk).state == "requested"
    assert SavedAddress.objects.get(pk=things.entry.pk).state == "pending"
    assert TrustedDevice.objects.get(pk=things.device.pk).revoked_at is None
    assert UserSession.objects.get(pk=things.session.pk).ended_at is None
    assert things.owner.authenticator_set.count() > 1


@pytest.mark.django_db
@pytest.mark.parametrize("given", ["0", "-1", "9" * 40, "1e3", "x'"])
def test_a_number_that_is_none_is_not_found(given: str) -> None:
    client = client_of(a_person(), raise_request_exception=False)
    for path in ("security/sessions/{}/end/", "security/devices/{}/revoke/", "account/2fa/webauthn/keys/{}/remove/"):
        assert client.post("/" + path.format(given)).status_code == 404, path
