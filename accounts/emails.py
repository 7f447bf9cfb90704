"""The mails about an account itself."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from .countries import country_name
from .mail import Audience, Fact, NothingToTell, link, register
from .models import OutgoingMail, User
from .models.login_history import place_in_words
from .security_emails import told_where

_SAMPLE = {"at": "2026-11-23T10:00:00+00:00", "ip": "192.0.2.10", "user_agent": "Firefox 142, Windows"}


def register_all() -> None:
    for template in ("verify_email", "verify_new_email"):
        register(
            template,
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
    register(
        "new_sign_in",
        _new_sign_in,
        sample_facts={
            "sign_in_id": 1,
            "at": "2026-11-23T10:00:00+00:00",
            "ip": "192.0.2.10",
            "country": "DE",
            "city": "Berlin",
            "browser": "Firefox 130",
            "system": "Windows 10",
            "method": "password+totp",
            "new_country": True,
            "impossible_travel": True,
        },
    )
    register(
        "settings_unlock_confirm",
        _settings_unlock_confirm,
        sample_facts={"lock_id": 1, "asked": 1, "wait_days": 3, **_SAMPLE},
        sample_context=lambda _language: {
            **told_where(OutgoingMail(template="settings_unlock_confirm", facts=_SAMPLE)),
            "action_url": link("/security/lock/confirm/sample/"),
            "wait_days": 3,
        },
        works_once=True,
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

    if row.queued_at < timezone.now() - timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT):
        raise NothingToTell("the link would have ended by now")  # it would begin anew, long after it was asked for
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


def _new_sign_in(row: OutgoingMail) -> Mapping[str, Any]:
    """Of the login history's line: when, from where, and what is odd about it."""
    facts = row.facts
    browser = ", ".join(part for part in (facts["browser"], facts["system"]) if part)
    place = place_in_words(facts["country"], facts["city"])
    told = {"at": facts["at"], "ip": facts["ip"] or "", "place": place, "user_agent": browser}
    shown = OutgoingMail(template=row.template, user_id=row.user_id, facts=told, queued_at=row.queued_at)
    return {
        **told_where(shown),
        "country": country_name(facts["country"]),
        "new_country": facts["new_country"],
        "impossible_travel": facts["impossible_travel"],
        "action_url": link(reverse("sign_ins")),
    }


def _settings_unlock_confirm(row: OutgoingMail) -> Mapping[str, Any]:
    """The link, made now: it is stored nowhere."""
    from .models import SettingsLock
    from .settings_lock import link_is_open, unlock_token

    lock = SettingsLock.objects.filter(pk=row.facts["lock_id"]).first()
    if lock is None or not link_is_open(lock, asked=row.facts["asked"]):
        raise NothingToTell("the settings are unlocked, or were asked to be once more")
    url = link(reverse("settings_unlock_confirm", args=[unlock_token(lock)]))
    return {**told_where(row), "wait_days": lock.wait_days, "action_url": url}
