"""Links in mails about an account: each for its purpose and its time, and none that we did not make."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.core import signing
from django.utils import timezone

from accounts import links


def token_of(url: str) -> str:
    assert url.startswith(settings.SITE_URL)
    return url.rstrip("/").rpartition("/")[2]


def test_not_me_says_whose_account_and_what_was_told() -> None:
    url = links.not_me_url(user_id=7, about="new_device")
    assert url.startswith(f"{settings.SITE_URL}/security/not-me/")
    assert links.read_not_me(token_of(url)) == links.NotMe(7, "new_device", expired=False)


def test_after_a_week_it_is_too_old_but_still_ours() -> None:
    token = token_of(links.not_me_url(user_id=7, about="new_device"))
    with time_machine.travel(timezone.now() + timedelta(seconds=links.NOT_ME_SECONDS + 1), tick=False):
        found = links.read_not_me(token)
    assert found is not None
    assert found.expired


def test_no_token_opens_another_purposes_page() -> None:
    assert links.read_not_me(signing.dumps([7, "x"], salt="payouts.address.confirm:v1")) is None


@pytest.mark.parametrize("token", ["", "x", "a:b:c", "WzddOjE", "../../admin", "\x00"])
def test_a_forged_token_says_nothing(token: str) -> None:
    assert links.read_not_me(token) is None


@pytest.mark.parametrize("content", [[7], ["x", "y"], {"a": 1}, 7, None, [7, "x", "y"]])
def test_ours_in_another_shape_says_nothing(content: object) -> None:
    assert links.read_not_me(signing.dumps(content, salt=links.NOT_ME_SALT)) is None


def test_a_changed_token_says_nothing() -> None:
    token = token_of(links.not_me_url(user_id=7, about="x"))
    other = token_of(links.not_me_url(user_id=8, about="x"))
    mixed = ":".join([other.split(":")[0], *token.split(":")[1:]])
    assert links.read_not_me(mixed) is None
