"""Approvers whom the signer knows: their keys in its table, as an operator on its machine would put them there."""

from __future__ import annotations

import base64
import hashlib
import os
from functools import lru_cache
from typing import Any

import psycopg
from allauth.mfa.models import Authenticator
from django.utils import timezone

from accounts.second_factor.codes import current_step
from accounts.second_factor.evidence import TOTP, app_record, evidence_key
from accounts.second_factor.secrets import encrypt
from treasury.keys.keystore import Keystore, _seed_of
from treasury.models import ApproverKey
from treasury.signing.approvers import _message

PHRASE = "abandon " * 23 + "art"


def introduce(factor: Authenticator) -> None:
    """The signer believes approvals given with this factor; committed at once, whatever the test rolls back."""
    write_key(factor.user_id, factor.user.email, factor.type, evidence_key(factor), factor.data["secret"].encode())


def introduce_number(approver_id: int, *, url: str | None = None) -> None:
    """An approver who is nothing but a number here, and has an app."""
    material = encrypt(seed_of_number(approver_id)).encode()
    write_key(approver_id, f"p{approver_id}@example.test", TOTP, f"{TOTP}:{approver_id}", material, url=url)


def write_key(approver_id: int, label: str, kind: str, key: str, material: bytes, *, url: str | None = None) -> None:
    """By the signer's role, signed by the tests' keystore; once."""
    row = ApproverKey(
        approver_id=approver_id, approver_label=label, kind=kind, key=key, material=material, trusted_at=timezone.now()
    )
    signature = _keystore().sign_approver_key(_message(row))
    with psycopg.connect(url or os.environ["SIGNER_DATABASE_URL"], autocommit=True) as signer:
        signer.execute(
            "INSERT INTO treasury_approverkey"
            " (approver_id, approver_label, kind, key, material, trusted_at, signature)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [approver_id, label, kind, key, material, row.trusted_at, signature],
        )


def forget(factor: Authenticator) -> None:
    """The signer believes no approval given with this factor any more."""
    with psycopg.connect(os.environ["SIGNER_DATABASE_URL"], autocommit=True) as signer:
        signer.execute(
            "UPDATE treasury_approverkey SET revoked_at = now() WHERE key = %s AND revoked_at IS NULL",
            [evidence_key(factor)],
        )


def seed_of_number(approver_id: int) -> str:
    """What the phone of `introduce_number`'s person holds."""
    return base64.b32encode(hashlib.sha1(f"approver {approver_id}".encode()).digest()).decode()


def evidence_of_number(approver_id: int, digest: str) -> dict[str, Any]:
    """What that person's code leaves behind beside an approval."""
    step = current_step()
    record = app_record(seed_of_number(approver_id), digest=digest, approver_id=approver_id, step=step)
    return {"kind": TOTP, "key": f"{TOTP}:{approver_id}", "step": step, "record": record}


@lru_cache(maxsize=1)
def _keystore() -> Keystore:
    return Keystore(_seed_of(PHRASE))
