"""The keys of approvers: introduced on the signer's machine, signed by its keystore, read back only with that mark."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from allauth.mfa.models import Authenticator
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import transaction
from django.utils import timezone
from fido2 import cbor
from fido2.cose import CoseKey

from accounts.second_factor.codes import current_step, matching_step
from accounts.second_factor.evidence import TOTP, WEBAUTHN, evidence_key, public_key_of
from accounts.second_factor.secrets import SeedUnreadable, decrypt
from treasury.keys.ports import APPROVER_PURPOSE, Keys
from treasury.models import ApproverKey
from treasury.signing.evidence import TrustedKey, TrustedKeys
from treasury.signing.vault import vault

logger = logging.getLogger(__name__)


class NotAnApprover(Exception):
    """Nobody of the staff has this address, or they have no second factor. The text says which."""


class WrongCode(Exception):
    """The code is not of the app that is to be trusted."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A second factor as the database shows it, before anybody has vouched for it."""

    approver_id: int
    approver_label: str
    kind: str
    key: str
    material: bytes = field(repr=False)
    name: str
    added_at: datetime


def candidates(email: str) -> list[Candidate]:
    """The factors of the member of staff with this address. Raises NotAnApprover."""
    factors = Authenticator.objects.filter(
        user__email__iexact=email, user__is_staff=True, user__is_active=True, type__in=(TOTP, WEBAUTHN)
    ).order_by("created_at", "pk")
    found = [_candidate(factor, email.lower()) for factor in factors]
    if not found:
        raise NotAnApprover(f"No active member of the staff has the address {email} and an app or a passkey.")
    return found


def trust(candidate: Candidate, *, code: str | None = None) -> bool:
    """Believe approvals that are given with this factor; False if it is trusted already.

    `code`: what the approver's app shows, told by themselves; None only where nobody is there to ask (the demo).
    Raises WrongCode, SeedUnreadable, KeysError, NotTheSigner.
    """
    keys = vault().keys
    if code is not None and candidate.kind == TOTP:
        seed, given = decrypt(candidate.material.decode("ascii")), "".join(code.split())
        if not given.isascii() or matching_step(seed, given, now_step=current_step()) is None:
            raise WrongCode
    row = ApproverKey(
        approver_id=candidate.approver_id,
        approver_label=candidate.approver_label,
        kind=candidate.kind,
        key=candidate.key,
        material=candidate.material,
        trusted_at=timezone.now(),
    )
    row.signature = keys.sign_approver_key(_message(row))
    with transaction.atomic():
        live = ApproverKey.objects.filter(key=row.key, revoked_at=None).first()
        said = (row.approver_id, row.material)
        if live is not None and _is_ours(live, keys) and (live.approver_id, bytes(live.material)) == said:
            return False
        if live is not None:  # the same name for something else, or somebody else's
            ApproverKey.objects.filter(pk=live.pk).update(revoked_at=timezone.now())
        row.save(force_insert=True)
    return True


def revoke(email: str) -> int:
    """Believe no further approval of this person; returns how many keys that were. What is signed stays signed."""
    return ApproverKey.objects.filter(approver_label__iexact=email, revoked_at=None).update(revoked_at=timezone.now())


def trusted() -> list[ApproverKey]:
    """Every key that is believed now, by person."""
    keys = vault().keys
    rows = ApproverKey.objects.filter(revoked_at=None).order_by("approver_label", "pk")
    return [row for row in rows if _is_ours(row, keys)]


def trusted_keys(approver_ids: Sequence[int], keys: Keys) -> TrustedKeys:
    """What the evidence of these people's approvals is checked with. A row that we did not sign is passed over."""
    found: dict[int, dict[str, TrustedKey]] = defaultdict(dict)
    for row in ApproverKey.objects.filter(approver_id__in=approver_ids, revoked_at=None):
        if not _is_ours(row, keys):
            logger.critical("key %s of approver %s was NOT written by this signer", row.pk, row.approver_id)
            continue
        try:
            found[row.approver_id][row.key] = _usable(row)
        except SeedUnreadable:
            logger.error("the seed of approver %s is not encrypted with a key of SECOND_FACTOR_KEYS", row.approver_id)
    return found


def _usable(row: ApproverKey) -> TrustedKey:
    if row.kind == WEBAUTHN:
        public_key = cast("Mapping[int, Any]", cbor.decode(bytes(row.material)))
        return TrustedKey(WEBAUTHN, public_key=CoseKey.parse(public_key))
    return TrustedKey(TOTP, seed=decrypt(bytes(row.material).decode("ascii")))


def _candidate(factor: Authenticator, email: str) -> Candidate:
    if factor.type == WEBAUTHN:
        material, name = public_key_of(factor), str(factor.wrap().name)
    else:
        material, name = str(factor.data["secret"]).encode("ascii"), ""
    return Candidate(factor.user_id, email, factor.type, evidence_key(factor), material, name, factor.created_at)


def _is_ours(row: ApproverKey, keys: Keys) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(keys.pool_public_key()).verify(bytes(row.signature), _message(row))
    except (InvalidSignature, ValueError):
        return False
    return True


def _message(row: ApproverKey) -> bytes:
    said = {
        "approver_id": row.approver_id,
        "approver_label": row.approver_label,
        "kind": row.kind,
        "key": row.key,
        "material": bytes(row.material).hex(),
        "trusted_at": row.trusted_at.astimezone(UTC).isoformat(),
    }
    return APPROVER_PURPOSE + b"v1:" + json.dumps(said, sort_keys=True, separators=(",", ":")).encode("ascii")
