"""The mails about an account itself."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from .mail import Audience, Fact, NothingToTell, link, register
from .models import OutgoingMail, User
from .security_emails import told_where

_SAMPLE = {"at": "2026-11-23T10:00:00+00:00", "ip": "192.0.2.10", "user_agent": "Firefox 142, Windows"}


def register_all() -> None:
    register(
        "verify_email",
        _verify_email,
        sample_facts={"user_id": 1, "email": "anna@example.com"},
        sample_context=lambda _language: {
            "action_url": link("/account/confirm-email/sample/"),
            "email": "anna@example.com",
        },
        audience=Audience.VISITOR,
        works_once=True,
    )
    register(
        "password_reset",
        _password_reset,
        sample_facts={"user_id": 1},
        sample_context=lambda _language: {"action_url": link("/account/password/reset/key/sample/")},
        works_once=True,
    )
    register("account_exists", _account_exists)
    register("unknown_account", _unknown_account, audience=Audience.VISITOR)
    register("password_changed", _security_notice, sample_facts={"kind": "password_changed", **_SAMPLE})
    register(
        "email_changed",
        _email_changed,
        sample_facts={"from_email": "anna@example.org", "to_email": "anna@example.com", **_SAMPLE},
    )
    register(
        "security_notice",
        _security_notice,
        sample_facts={"kind": "email_confirm", "to_email": "", "deleted_email": "", **_SAMPLE},
    )
    register("plain", sample_facts={"heading": "Exchequer", "text": "…"})


def _verify_email(row: OutgoingMail) -> Mapping[str, Any]:
    from allauth.account.models import EmailAddress, EmailConfirmationHMAC

    address = EmailAddress.objects.filter(user_id=row.facts["user_id"], email__iexact=row.facts["email"]).first()
    if address is None or address.verified:
        raise NothingToTell("the address is verified or gone")
    key = EmailConfirmationHMAC(address).key
    return {"action_url": link(reverse("account_confirm_email", args=[key])), "email": address.email}


def _password_reset(row: OutgoingMail) -> Mapping[str, Any]:
    from allauth.account import app_settings
    from allauth.account.utils import user_pk_to_url_str

    user = User.objects.filter(pk=row.facts["user_id"], is_active=True).first()
    if user is None:
        raise NothingToTell("the user is gone")
    token = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(user), "key": token})
    return {"action_url": link(path)}


def _account_exists(_row: OutgoingMail) -> Mapping[str, Any]:
    return {"action_url": link(reverse("account_reset_password")), "sign_in_url": link(reverse("account_login"))}


def _unknown_account(_row: OutgoingMail) -> Mapping[str, Any]:
    return {"action_url": link(reverse("account_signup"))}


def _security_notice(row: OutgoingMail) -> Mapping[str, Any]:
    facts = row.facts
    told = {
        "password_changed": _("Your password was changed."),
        "password_reset": _("Your password was reset."),
        "password_set": _("A password was set."),
        "email_changed": _("Your e-mail address was changed to %(address)s.") % {"address": facts.get("to_email", "")},
        "email_confirm": _("Your e-mail address was confirmed."),
        "email_deleted": _("The e-mail address %(address)s was removed from your account.")
        % {"address": facts.get("deleted_email", "")},
    }
    return {**told_where(row), "what": told[facts["kind"]]}


def _email_changed(row: OutgoingMail) -> Mapping[str, Any]:
    """`from_email`, `to_email`: told to both of them, so that the owner of the old one hears of it."""
    return told_where(
        row, Fact(_("Old address"), row.facts["from_email"]), Fact(_("New address"), row.facts["to_email"])
    )
