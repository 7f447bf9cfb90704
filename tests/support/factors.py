"""Second factors of the people in the tests: real ones, whose codes are computed as their phones would."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from datetime import timedelta

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.test import Client
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY
from playwright.sync_api import Page

from accounts.models import SecondFactorDevice, SpentCode, TrustedDevice, User
from accounts.second_factor import Proof, StepUp
from accounts.second_factor.codes import TOTP_STEP_SECONDS, current_step, totp_code
from accounts.second_factor.evidence import Witness, evidence_key
from accounts.second_factor.secrets import encrypt

SECONDS_TO_USE_IT = 8.0  # until a busy machine has given a code to the page that asks for it


def seed_of(user: User) -> str:
    """What the person's phone holds."""
    return base64.b32encode(hashlib.sha1(f"the seed of {user.email}".encode()).digest()).decode()


def give_app(user: User) -> Authenticator:
    """An authenticator app for `user`."""
    return Authenticator.objects.create(
        user=user, type=Authenticator.Type.TOTP, data={"secret": encrypt(seed_of(user))}
    )


def code_of(user: User) -> str:
    """A code that was not used yet: now's, or of the half minute before or after, which are good as well.

    The one before is good only until this half minute ends: with seconds left it is another's turn.
    """
    factor = Authenticator.objects.get(user=user, type=Authenticator.Type.TOTP)
    now = current_step()
    spent = set(SpentCode.objects.filter(factor=factor.pk, step__gte=now - 1).values_list("step", flat=True))
    left = TOTP_STEP_SECONDS - time.time() % TOTP_STEP_SECONDS
    if {now, now + 1} <= spent and left < SECONDS_TO_USE_IT:
        time.sleep(left)
        now = current_step()
    step = next(step for step in (now, now + 1, now - 1) if step not in spent)
    return totp_code(seed_of(user), step)


def proven(user: User) -> StepUp:
    """As after a code that `user` gave moments ago in this session."""
    factor = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    return StepUp(proven=Proof(user.pk, "totp", timezone.now(), factor.pk if factor else None))


def given_now(user: User) -> StepUp:
    """As with a code that `user` gave with this very deed: what an approval takes. It spends none of their codes."""
    factor = Authenticator.objects.get(user=user, type=Authenticator.Type.TOTP)
    witness = Witness(evidence_key(factor), seed=seed_of(user), step=current_step())
    return StepUp(proven=Proof(user.pk, "totp", timezone.now(), factor.pk, witness))


def sign_in(client: Client, user: User, *, verified: bool = True, stepped_up: bool = False) -> None:
    """As after a sign-in with the password and, if `verified`, a code; `stepped_up`: and another code just now."""
    client.force_login(user)
    if not verified and not stepped_up:
        return
    session = client.session
    factor = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    if factor is not None and verified:
        device = SecondFactorDevice(pk=factor.pk, user_id=user.pk)
        session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    if factor is not None and stepped_up:
        session["account_authentication_methods"] = [
            {"method": "mfa", "type": "totp", "id": factor.pk, "at": time.time(), "reauthenticated": True}
        ]
        session["account_authentication_methods_user"] = str(user.pk)
    session.save()


def person_of(client: Client) -> User:
    """Who is signed in there."""
    return User.objects.get(pk=client.session["_auth_user_id"])


def known_browser(user: User) -> dict[str, str]:
    """The cookie of a browser that `user` has let in before: its name and value."""
    token = secrets.token_urlsafe(32)
    TrustedDevice.objects.create(
        user=user,
        token_hash=hashlib.sha256(token.encode()).digest(),
        name="Chromium on Linux",
        expires_at=timezone.now() + timedelta(days=1),
    )
    return {"name": settings.DEVICE_TOKEN_COOKIE_NAME, "value": token}


def sign_in_page(page: Page, site: str, user: User, password: str) -> None:
    """Both steps, in a browser that is known; from wherever the sign-in page was opened."""
    page.context.add_cookies([known_browser(user) | {"url": site}])  # type: ignore[list-item]  # a cookie's parameters
    page.fill("input[name=login]", user.email)
    page.fill("input[name=password]", password)
    page.click("[data-testid=login-form] button:not([type=button])")
    page.fill("[data-testid=second-factor-form] input[name=code]", code_of(user))
    page.click("[data-testid=second-factor-form] button")
