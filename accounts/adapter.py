"""How sign-up, sign-in and account mails of allauth behave here.

allauth's mails go through the outbox like all others: they survive a mail server that is away, arrive within moments
(a worker is woken at the commit) and speak the person's language. Their secret links are not stored: the row holds ids,
and the link is made when the mail is rendered.
"""

import uuid
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.account.models import EmailAddress, Login
from allauth.account.utils import has_verified_email
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.ratelimit import respond_429
from allauth.mfa.webauthn.internal.flows import did_use_passwordless_login
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.forms import BaseForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language

from . import activity, guesses, mailed_codes, sign_ins
from .devices import known_device
from .holds import Kind, held_until, hold_withdrawals
from .mail import Audience, compose, reader_of
from .models import User
from .outbox import queue_mail
from .profiles import ensure_profile
from .second_factor import has_second_factor
from .security_emails import where
from .settings_lock import SettingsLocked, require_unlocked

# allauth's template prefix -> our mail
QUEUED = {
    "account/email/email_confirmation": "verify_email",
    "account/email/email_confirmation_signup": "verify_email",
    "account/email/password_reset_key": "password_reset",
    "account/email/account_already_exists": "account_exists",
    "account/email/unknown_account": "unknown_account",
    "account/email/password_changed": "password_changed",
    "account/email/password_reset": "password_changed",
    "account/email/password_set": "password_changed",
    "account/email/email_changed": "email_changed",
    "account/email/email_confirm": "security_notice",
    "account/email/email_deleted": "security_notice",
}
HOLDING = frozenset({"password_changed", "email_changed"})
LOGIN_CODE = "account/email/login_code"
# Of these the commit of the change itself queues ours: see `factor_changes.py`.
FACTOR_MAILS = frozenset(
    f"mfa/email/{kind}"
    for kind in ("totp_activated", "totp_deactivated", "webauthn_added", "webauthn_removed", "recovery_codes_generated")
)
DEVICE_ID = "device_id"  # in the state of a sign-in under way: the remembered device that it comes from


class AccountAdapter(DefaultAccountAdapter):
    def save_user(self, request: HttpRequest, user: User, form: BaseForm, commit: bool = True) -> User:
        """A new customer: user, profile in the language they signed up in, and the audit's line, in one commit."""
        with transaction.atomic():
            super().save_user(request, user, form, commit=commit)
            if commit:
                ensure_profile(user, language=get_language() or "")
                activity.record(actor=user, action="account.signed_up", target=user, request=request)
        return user

    def is_login_by_code_required(self, login: Login) -> bool:
        """A browser that we do not know is let in by a code mailed to its owner.

        Not right after the sign-up and not before the address is proven: the link to prove it is under way. Not for a
        passkey, which no other site can have asked for.
        """
        user = login.user
        if user is None or login.signup or not has_verified_email(user):
            return False
        methods = {record["method"] for record in get_authentication_records(self.request, user)}
        if "code" in methods or did_use_passwordless_login(self.request, user):
            return False
        login.state[DEVICE_ID] = device_id = known_device(self.request, user.email)
        return device_id is None

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Who has a second factor proves themselves with it: the password alone may be anybody's by now."""
        methods = super().get_reauthentication_methods(user)
        if user.is_authenticated and has_second_factor(user):
            return [method for method in methods if method["id"] != "reauthenticate"]
        return list(methods)

    # --- what a thief would change first: refused while the settings are locked, and withdrawals wait after it ---

    def clean_password(self, password: str, user: User | None = None) -> str:
        """A new password in a form: of a change, of a reset by mail, of a first one."""
        if user is not None and user.pk is not None:
            try:
                require_unlocked(user.pk)
            except SettingsLocked as locked:
                raise ValidationError(str(locked.message), code="settings_locked") from locked
        return str(super().clean_password(password, user))

    def set_password(self, user: User, password: str) -> None:
        """The one way to a new password after sign-up; the hold on withdrawals is in the same commit."""
        with transaction.atomic():
            try:
                require_unlocked(user.pk)
            except SettingsLocked as locked:  # locked between the form's check and now
                raise PermissionDenied(str(locked.message)) from locked
            super().set_password(user, password)
            origin = activity.origin_of(self.request) if self.request else None
            hold_withdrawals(user_id=user.pk, kind=Kind.PASSWORD, actor=user, origin=origin)

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """A confirmed address. The hold that follows a change of it (`sign_in_audit.py`) is in the same commit."""
        with transaction.atomic():
            if self._replaces_another(email_address):
                try:
                    require_unlocked(email_address.user_id)
                except SettingsLocked as locked:
                    messages.error(request, str(locked.message))
                    return False
            return bool(super().confirm_email(request, email_address))

    @staticmethod
    def _replaces_another(email_address: EmailAddress) -> bool:
        """Whether the person has another address: the first one at sign-up replaces nothing."""
        others = EmailAddress.objects.filter(user_id=email_address.user_id).exclude(pk=email_address.pk)
        return bool(others.exists())

    # --- mails ---

    def generate_login_code(self) -> str:
        """The id of the code, not its digits: allauth keeps it in the session, where no secret has any business.

        `DeviceCodeForm` compares what was typed, the mail makes the digits.
        """
        return mailed_codes.new_id()

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Queue the mail. One that we know no template of (allauth may add some) goes out after the commit."""
        if template_prefix in FACTOR_MAILS:
            return
        template = QUEUED.get(template_prefix)
        user = User.objects.filter(email=email.lower()).first()
        if template_prefix == LOGIN_CODE and user is not None:
            self._queue_code(user, str(context["code"]))
            sign_ins.code_was_asked(self.request, user)
            return
        if template == "verify_email" and self._is_change_of_address(context["user"]):
            template = "verify_new_email"
        if template is None:
            transaction.on_commit(lambda: self._send_now(template_prefix, email, context, user))
            return
        if template == "email_changed":
            self._tell_of_new_address(email, context)
            return
        queue_mail(
            key=f"{template}:{uuid.uuid4().hex}",  # each request for a link is a fact of its own
            template=template,
            user=user or context.get("user"),
            recipient=email,
            language="" if user else (get_language() or ""),
            facts=_facts(template, template_prefix.rpartition("/")[2], email, context) | _hold_after(template, user),
        )

    @staticmethod
    def _is_change_of_address(user: User) -> bool:
        """Whether the person has proven an address before: whom we write to has an account for long."""
        return bool(EmailAddress.objects.filter(user=user.pk, verified=True).exists())

    # --- passwords that are guessed ---

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Who has guessed too often is not looked at; the account's owner reads of it in the login history.

        allauth counts by address, but for a browser that the account's owner has let in: their neighbours' guesses
        are not theirs.
        """
        email = sign_ins.email_in(credentials)
        self.guess = guesses.at_sign_in(request, email, device_id=known_device(request, email))
        if not self.guess.is_of_known_device:
            try:
                super().pre_authenticate(request, **credentials)
            except ValidationError as refusal:
                sign_ins.was_throttled(request, credentials)
                message = guesses.too_many(guesses.ADDRESS_MINUTES)
                raise ValidationError(message, code="too_many_login_attempts") from refusal
        sign_ins.count(request, self.guess, credentials)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        user = super().authenticate(request, **credentials)
        if user is not None:
            self.guess.was_right()
        return user

    def _queue_code(self, user: User, code_id: str) -> None:
        origin = activity.origin_of(self.request)
        try:
            with transaction.atomic():
                mailed_codes.make(user_id=user.pk, purpose=mailed_codes.DEVICE, code_id=code_id)
                queue_mail(
                    key=f"device_code:{code_id}",
                    template="device_code",
                    user=user,
                    facts={"code_id": code_id, **where(origin)},
                )
        except mailed_codes.TooManyCodes as error:
            raise ImmediateHttpResponse(respond_429(self.request)) from error

    def _tell_of_new_address(self, old_address: str, context: dict[str, Any]) -> None:
        """To both: who took the account over reads the new mailbox, its owner perhaps only the old one.

        allauth names no person here; by now the account has the new address.
        """
        new_address = str(context["to_email"])
        user = User.objects.filter(email=new_address.lower()).first()
        facts = _facts("email_changed", "email_changed", old_address, context) | _hold_after("email_changed", user)
        for address in (old_address, new_address):
            queue_mail(
                key=f"email_changed:{uuid.uuid4().hex}",
                template="email_changed",
                user=user,
                recipient=address,
                language="" if user else (get_language() or ""),
                facts=facts,
            )

    def _send_now(self, template_prefix: str, email: str, context: dict[str, Any], user: User | None) -> None:
        """allauth's own words in our layout. Not queued, because its context may hold a code."""
        plain = super().render_mail(template_prefix, email, {"email": email, "request": self.request, **context})
        compose(
            template="plain",
            recipient=email,
            language=get_language() or "",
            context={"heading": plain.subject, "text": plain.body},
            key=uuid.uuid4().hex,
            reader=reader_of(user, email, Audience.CUSTOMER),
        ).send()


def _facts(template: str, kind: str, email: str, context: dict[str, Any]) -> dict[str, Any]:
    """What the renderers in `accounts/emails.py` need; never a link or a key."""
    match template:
        case "verify_email" | "verify_new_email":
            return {"user_id": context["user"].pk, "email": email}
        case "password_reset":
            return {"user_id": context["user"].pk}
        case "security_notice" | "password_changed" | "email_changed":
            return {"kind": kind, **_told_by_allauth(context)}
        case _:
            return {}


def _hold_after(template: str, user: User | None) -> dict[str, Any]:
    """Until when withdrawals wait after the change that the mail tells of; allauth sends it after the change."""
    until = held_until(user.pk) if user is not None and template in HOLDING else None
    return {"hold_until": until.isoformat()} if until else {}


def _told_by_allauth(context: dict[str, Any]) -> dict[str, Any]:
    return {
        "at": timezone.now().isoformat(),
        "ip": context.get("ip") or "",
        "user_agent": (context.get("user_agent") or "")[:200],
        "from_email": str(context.get("from_email") or ""),
        "to_email": str(context.get("to_email") or ""),
        "deleted_email": str(context.get("deleted_email") or ""),
    }
