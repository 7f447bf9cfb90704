"""The signer's one door. Everything in here runs in the signer's process: its settings, its database role, its queue.

Other rooms never import it: they leave RESERVED broadcasts in the database and wake the signer's tasks by name.
"""

from treasury.signing.anchoring import ChainContradicts, anchor_activity, forget_anchors
from treasury.signing.approvers import (
    Candidate,
    NotAnApprover,
    WrongCode,
    candidates,
    revoke,
    trust,
    trusted,
)
from treasury.signing.door import SigningResult, sign_broadcasts
from treasury.signing.memory import forget
from treasury.signing.pool import add_addresses, fill_address_pool
from treasury.signing.vault import NotTheSigner, WalletMismatch, ensure_wallets, open_keys, signer_setting
from treasury.signing.verifying import Verification, verify_keystore

__all__ = [
    "Candidate",
    "ChainContradicts",
    "NotAnApprover",
    "NotTheSigner",
    "SigningResult",
    "Verification",
    "WalletMismatch",
    "WrongCode",
    "add_addresses",
    "anchor_activity",
    "candidates",
    "ensure_wallets",
    "fill_address_pool",
    "forget",
    "forget_anchors",
    "open_keys",
    "revoke",
    "sign_broadcasts",
    "signer_setting",
    "trust",
    "trusted",
    "verify_keystore",
]
