"""The mails about an account itself."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from .countries import country_name
from .mail import NothingToTell, link, register
from .models import OutgoingMail, User
from .models.login_history import place_in_words


def register_all() -> None:
    register(
        "verify_email",
        _verify_email,
        sample_facts={"user_id": 1, "email": "anna@example.com"},
        sample_context=lambda _language: {
            "action_url": link("/account/confirm-email/sample/"),
            "email": "anna@example.com",
        },
    )
    register(
        "password_reset",
        _password_reset,
        sample_facts={"user_id": 1},
        sample_context=lambda _language: {"action_url": link("/account/password/reset/key/sample/")},
    )
    register("account_exists", _account_exists)
    register("unknown_account", _unknown_account)
    register(
        "security_notice",
        _security_notice,
        sample_facts={
            "kind": "password_changed",
            "at": "2026-11-23T10:00:00+00:00",
            "ip": "192.0.2.10",
            "user_agent": "Firefox",
            "to_email": "",
            "deleted_email": "",
        },
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
    until = {"until": "2026-11-30T10:00:00+00:00", "days": 7, "wait_days": 3}
    register("settings_locked", _settings_locked, sample_facts=until)
    register("settings_unlocked", _settings_unlocked)
    register(
        "settings_unlock_confirm",
        _settings_unlock_confirm,
        sample_facts={"lock_id": 1, "asked": 1, "wait_days": 3},
        sample_context=lambda _language: {"action_url": link("/security/lock/confirm/sample/"), "wait_days": 3},
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
        "totp_activated": _("An authenticator app was added to your account."),
        "totp_deactivated": _("The authenticator app was removed from your account."),
        "webauthn_added": _("A passkey was added to your account."),
        "webauthn_removed": _("A passkey was removed from your account."),
        "recovery_codes_generated": _("New recovery codes were made. The old ones are worth nothing now."),
    }
    return {
        "what": told[facts["kind"]],
        "at": parse_datetime(facts["at"]),
        "ip": facts["ip"],
        "user_agent": facts["user_agent"],
        "action_url": link(reverse("account_reset_password")),
    }


def _new_sign_in(row: OutgoingMail) -> Mapping[str, Any]:
    facts = row.facts
    browser = [facts["browser"], facts["system"]]
    return {
        "at": parse_datetime(facts["at"]),
        "place": place_in_words(facts["country"], facts["city"]),
        "country": country_name(facts["country"]),
        "ip": facts["ip"],
        "program": ", ".join(part for part in browser if part),
        "new_country": facts["new_country"],
        "impossible_travel": facts["impossible_travel"],
        "action_url": link(reverse("account_reset_password")),
        "history_url": link(reverse("sign_ins")),
    }


def _settings_locked(row: OutgoingMail) -> Mapping[str, Any]:
    until = parse_datetime(row.facts["until"])
    return {**row.facts, "until": until, "action_url": link(reverse("settings_lock"))}


def _settings_unlocked(_row: OutgoingMail) -> Mapping[str, Any]:
    return {"action_url": link(reverse("settings_lock"))}


def _settings_unlock_confirm(row: OutgoingMail) -> Mapping[str, Any]:
    """The link, made now: it is stored nowhere."""
    from .models import SettingsLock
    from .settings_lock import link_is_open, unlock_token

    lock = SettingsLock.objects.filter(pk=row.facts["lock_id"]).first()
    if lock is None or not link_is_open(lock, asked=row.facts["asked"]):
        raise NothingToTell("the settings are unlocked, or were asked to be once more")
    url = link(reverse("settings_unlock_confirm", args=[unlock_token(lock)]))
    return {"wait_days": lock.wait_days, "action_url": url}
