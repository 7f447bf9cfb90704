"""Was this approval given by the person that it names? Pure: evidence and trusted keys in, a refusal or nothing out.

The row that holds an approval is written by the web, so its word counts for nothing here. What counts is what only the
person's second factor could have made: a passkey's signature over the digest of exactly this payment (WebAuthn level 3,
section 7.2), or a keyed hash of it under the seed of their app.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from fido2.cose import CoseKey
from fido2.utils import websafe_decode
from fido2.webauthn import AuthenticatorData, CollectedClientData

from accounts.second_factor.evidence import TOTP, WEBAUTHN, app_record
from treasury.approvals import Approval
from treasury.signing.rules import OrderFacts, Refused


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """One second factor of an approver: the public key of a passkey, or the seed of an app."""

    kind: str
    public_key: CoseKey | None = None
    seed: str = field(default="", repr=False)


TrustedKeys = Mapping[int, Mapping[str, TrustedKey]]
"""By approver's id, then by what evidence calls them."""


def check_evidence(order: OrderFacts, trusted: TrustedKeys, *, site_url: str) -> None:
    """Whether each approval of the order carries the mark of its approver's second factor. Raises Refused.

    The digests are compared with the order elsewhere (`rules`); here with what was signed. `site_url`: where passkeys
    are made and used.
    """
    for approval in order.approvals:
        _check(approval, trusted.get(approval.approver_id, {}), site_url)


def _check(approval: Approval, keys: Mapping[str, TrustedKey], site_url: str) -> None:
    given = approval.evidence
    if not given:
        raise Refused("an approval comes without evidence")
    key = keys.get(str(given.get("key")))
    if key is None or key.kind != given.get("kind"):
        raise Refused("an approval was given with a key that no operator introduced to the signer")
    try:
        proven = _by_app(approval, key) if key.kind == TOTP else _by_passkey(approval, key, site_url)
    except Exception:  # noqa: BLE001  # whatever a forger wrote there must not keep the others' payments from being signed
        proven = False
    if not proven:
        raise Refused("the evidence of an approval is not its approver's, or is for another payment")


def _by_app(approval: Approval, key: TrustedKey) -> bool:
    if not key.seed:
        return False
    step, record = approval.evidence["step"], approval.evidence["record"]
    if type(step) is not int or not isinstance(record, str) or not record.isascii():
        return False
    wanted = app_record(key.seed, digest=approval.digest, approver_id=approval.approver_id, step=step)
    return hmac.compare_digest(wanted, record)


def _by_passkey(approval: Approval, key: TrustedKey, site_url: str) -> bool:
    given: Mapping[str, Any] = approval.evidence
    if key.kind != WEBAUTHN or key.public_key is None:
        return False
    client = CollectedClientData(websafe_decode(given["client_data"]))
    answer = AuthenticatorData(websafe_decode(given["authenticator_data"]))
    site = urlsplit(site_url)
    what_was_signed = (client.type, client.challenge, client.origin, client.cross_origin)
    if what_was_signed != ("webauthn.get", bytes.fromhex(approval.digest), f"{site.scheme}://{site.netloc}", False):
        return False
    if answer.rp_id_hash != sha256((site.hostname or "").encode()).digest() or not answer.is_user_present():
        return False
    key.public_key.verify(answer + client.hash, websafe_decode(given["signature"]))
    return True


def approvers_of(orders: Sequence[OrderFacts]) -> list[int]:
    """Whose keys are needed to check these orders."""
    return sorted({approval.approver_id for order in orders for approval in order.approvals})
