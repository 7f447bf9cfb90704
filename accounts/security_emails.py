"""The mails about who may use an account: factors, devices, the freeze, the address book, the settings lock.

Whoever has such a fact calls `queue_mail(key=..., template=..., user=..., facts=...)` and nothing else. All of them
take the facts of `where(origin)` (`at`, `ip`, `user_agent`; without `at` it is when the mail was queued) and `place`;
those that hold withdrawals take `hold_until`. Times are ISO texts. What each takes besides is at its renderer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from . import mailed_codes
from .activity import Origin
from .links import not_me_url
from .mail import Fact, NothingToTell, link, moment, register
from .mail_text import one_line
from .models import OutgoingMail

# The pages are portal's; accounts knows their addresses here and nowhere else.
SECURITY_PATH: Final = "/security/"
DEVICES_PATH: Final = "/security/"
RECOVERY_CODES_PATH: Final = "/security/"
SETTINGS_LOCK_PATH: Final = "/security/lock/"
ADDRESS_BOOK_PATH: Final = "/security/addresses/"

LONGEST_BROWSER = 120
SAMPLE_ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
SAMPLE_CODE_ID = "00000000-0000-4000-8000-000000000000"
_WHERE = {
    "at": "2026-11-23T10:00:00+00:00",
    "ip": "192.0.2.10",
    "user_agent": "Firefox 142, Windows",
    "place": "Amsterdam",
}
_HELD = {"hold_until": "2026-11-24T10:00:00+00:00"}
_ENTRY = {"network": "arbitrum", "address": SAMPLE_ADDRESS, "label": "Ledger"}


def register_all() -> None:
    """Called once, by AppConfig.ready."""
    register("phrase_changed", _phrase_changed, sample_facts={**_WHERE, "removed": False})
    for template in ("second_factor_added", "second_factor_removed"):
        register(template, _factor, sample_facts={**_WHERE, **_HELD, "kind": "passkey", "name": "YubiKey"})
    register("recovery_codes_created", _codes_created, sample_facts={**_WHERE, "count": 10})
    register("recovery_code_used", _codes_left, sample_facts={**_WHERE, "left": 7})
    register("recovery_codes_low", _codes_left, sample_facts={**_WHERE, "left": 2})
    register(
        "device_code",
        _device_code,
        sample_facts={**_WHERE, "code_id": SAMPLE_CODE_ID},
        sample_context=lambda _language: {
            "code": "1234 5678",
            "told": _where_told(_WHERE, at=""),
            "not_me_url": not_me_url(user_id=0, about="device_code"),
        },
        works_once=True,
    )
    register("new_device", _device, sample_facts={**_WHERE, "device": "Firefox, Windows"})
    register("device_revoked", _device, sample_facts={**_WHERE, "device": "Chrome, Android"})
    register("account_frozen", _frozen, sample_facts={**_WHERE, "by": "customer"})
    register("account_unfrozen", _unfrozen, sample_facts={"at": _WHERE["at"], **_HELD})
    register("settings_locked", _locked, sample_facts={**_WHERE, "until": "2026-12-03T10:00:00+00:00", "wait_days": 3})
    register("settings_unlocked", _unlocked, sample_facts={**_WHERE})


def register_address_mails(
    *, confirm_url: Callable[[OutgoingMail], str], network_name: Callable[[str], str] = str
) -> None:
    """Called once, by the room that has the address book.

    `confirm_url` makes the link that confirms the entry of a queued mail (its facts say which), and raises
    NothingToTell when the entry waits for none; `network_name` says how a network is called.
    """

    def told(row: OutgoingMail) -> dict[str, Any]:
        return told_where(row, *_entry_told(row.facts, network_name))

    def confirm(row: OutgoingMail) -> Mapping[str, Any]:
        return {**told(row), "action_url": confirm_url(row)}

    def added(row: OutgoingMail) -> Mapping[str, Any]:
        return {**told(row), "what": _when_usable(row.facts), "action_url": link(ADDRESS_BOOK_PATH)}

    def removed(row: OutgoingMail) -> Mapping[str, Any]:
        return {**told(row), "action_url": link(ADDRESS_BOOK_PATH)}

    sample = {**_WHERE, **_ENTRY}
    sample_url = link(f"{ADDRESS_BOOK_PATH}confirm/sample/")
    register(
        "address_confirm",
        confirm,
        sample_facts={**sample, "entry_id": 1},
        sample_context=lambda language: {**told(_sample_row("address_confirm", sample)), "action_url": sample_url},
        works_once=True,
    )
    register("address_added", added, sample_facts={**sample, "active_from": "2026-11-24T10:00:00+00:00"})
    register("address_removed", removed, sample_facts=sample)
    register("any_address_allowed", _any_address, sample_facts={**_WHERE, "active_from": "2026-11-24T10:00:00+00:00"})


def _sample_row(template: str, facts: Mapping[str, Any]) -> OutgoingMail:
    return OutgoingMail(template=template, facts=dict(facts))


def where(origin: Origin | None) -> dict[str, Any]:
    """The facts about when and from where a deed was done; for `queue_mail`."""
    known = origin or Origin()
    return {
        "at": timezone.now().isoformat(),
        "ip": known.ip_address or "",
        "user_agent": known.user_agent[:LONGEST_BROWSER],
    }


def told_where(row: OutgoingMail, *facts: Fact) -> dict[str, Any]:
    """The context that mails about a deed share: `facts`, then when and where it was done, and the way to stop it."""
    at = row.facts.get("at") or row.queued_at
    return {
        "told": [*facts, *_where_told(row.facts, at=at)],
        "hold_until": moment(row.facts.get("hold_until")),
        "not_me_url": not_me_url(user_id=row.user_id or 0, about=row.template),
    }


def _where_told(facts: Mapping[str, Any], *, at: Any) -> list[Fact]:
    told = [Fact(_("Time"), moment(at))] if at else []
    if facts.get("place"):
        told.append(Fact(_("Place, by the IP address"), facts["place"]))
    if facts.get("ip"):
        told.append(Fact(_("IP address"), facts["ip"]))
    if facts.get("user_agent"):
        told.append(Fact(_("Browser"), one_line(facts["user_agent"])[:LONGEST_BROWSER]))
    return told


def _phrase_changed(row: OutgoingMail) -> Mapping[str, Any]:
    """`removed`: there is none any more. The phrase itself is no fact: it stands at the top of the mail."""
    removed = _("The phrase by which you tell our mails from forged ones was removed.")
    changed = _("From now on our mails show the new phrase, as this one does.")
    return {**told_where(row), "what": removed if row.facts.get("removed") else changed}


def _factor(row: OutgoingMail) -> Mapping[str, Any]:
    """`kind`: "totp", "passkey" (or allauth's "webauthn") or "recovery_codes"; `name`: what its owner called it."""
    kinds = {
        "totp": _("Authenticator app"),
        "passkey": _("Passkey"),
        "webauthn": _("Passkey"),
        "recovery_codes": _("Recovery codes"),
    }
    kind = str(row.facts.get("kind", ""))
    named = [Fact(_("Name"), row.facts["name"])] if row.facts.get("name") else []
    return told_where(row, Fact(_("Kind"), kinds.get(kind, kind)), *named)


def _codes_created(row: OutgoingMail) -> Mapping[str, Any]:
    """`count`: how many there are, where that is known."""
    count = row.facts.get("count")
    return told_where(row, *([Fact(_("Recovery codes"), str(count))] if count else []))


def _codes_left(row: OutgoingMail) -> Mapping[str, Any]:
    """`left`: how many are not used yet."""
    left = int(row.facts["left"])
    told = told_where(row, Fact(_("Codes left"), str(left)))
    return {**told, "left": left, "action_url": link(RECOVERY_CODES_PATH)}


def _device_code(row: OutgoingMail) -> Mapping[str, Any]:
    """`code_id`: of `mailed_codes.make`; the digits are made here and stored nowhere."""
    code = mailed_codes.code_to_mail(str(row.facts["code_id"]), purpose=mailed_codes.DEVICE)
    if code is None:
        raise NothingToTell("the code is no longer good")
    return {**told_where(row), "code": mailed_codes.grouped(code)}


def _device(row: OutgoingMail) -> Mapping[str, Any]:
    """`device`: what it is called."""
    told = told_where(row, Fact(_("Device"), str(row.facts.get("device", ""))))
    return {**told, "action_url": link(DEVICES_PATH)}


def _frozen(row: OutgoingMail) -> Mapping[str, Any]:
    """`by`: "customer", "support" or "system", which ends no session. The staff's reason is not for the mail."""
    told = {
        "customer": _("You froze your account, or somebody with a link from your mailbox did."),
        "support": _("Our support has frozen your account to protect it."),
    }
    other = _("Our system has frozen your account to protect it.")
    by = str(row.facts.get("by", ""))
    return {**told_where(row), "what": told.get(by, other), "is_signed_out": by in told}


def _unfrozen(row: OutgoingMail) -> Mapping[str, Any]:
    return {**told_where(row), "action_url": link(SECURITY_PATH)}


def _entry_told(facts: Mapping[str, Any], network_name: Callable[[str], str]) -> list[Fact]:
    """`network`, `address`, `label`: what all mails about the address book take."""
    label = [Fact(_("Label"), facts["label"])] if facts.get("label") else []
    return [
        *label,
        Fact(_("Network"), network_name(str(facts["network"]))),
        Fact(_("Address"), str(facts["address"]), mono=True),
    ]


def _when_usable(facts: Mapping[str, Any]) -> str:
    """`active_from`: from when on it can be withdrawn to; left out, at once."""
    active_from = moment(facts.get("active_from"))
    if not active_from:
        return _("Withdrawals to it are possible from now on.")
    return _("For your protection withdrawals to it are possible from %(time)s on.") % {"time": active_from}


def _any_address(row: OutgoingMail) -> Mapping[str, Any]:
    """`active_from`: from when on withdrawals may go to addresses that are not saved."""
    told = told_where(row, Fact(_("Possible from"), moment(row.facts["active_from"])))
    return {**told, "action_url": link(ADDRESS_BOOK_PATH)}


def _locked(row: OutgoingMail) -> Mapping[str, Any]:
    """`until`: when the lock ends by itself; `wait_days`: how long it takes to end it earlier."""
    facts = row.facts
    until = [Fact(_("Locked until"), moment(facts["until"]))]
    wait = facts.get("wait_days")
    if wait:
        days = ngettext("%(days)d day", "%(days)d days", wait) % {"days": wait}
        until.append(Fact(_("Unlocking earlier takes"), days))
    return {**told_where(row, *until), "action_url": link(SETTINGS_LOCK_PATH)}


def _unlocked(row: OutgoingMail) -> Mapping[str, Any]:
    return {**told_where(row), "action_url": link(SETTINGS_LOCK_PATH)}
