"""Everything that can be done about a withdrawal; one operation is one sentence and one commit.

Operations open their own outermost transaction: never call them inside one. They take ids, lock and re-read, and raise
the typed errors of `payouts/errors.py`, `accounts.second_factor.StepUpFailed` where they ask for a step-up.
"""

from .cancelling import cancel_withdrawal
from .claims import CLAIM_SECONDS, add_note, claim_withdrawal, release_claim
from .confirming import confirm_withdrawal, withdrawal_of_link
from .expiring import expire_withdrawals, release_due_holds
from .failures import must_be_approved_anew, retry_withdrawal, return_withdrawal
from .holding import hold_withdrawal, release_hold
from .quotes import Preview, Quote, preview_withdrawal, quote_withdrawal
from .rejecting import reject_withdrawal
from .requesting import request_withdrawal
from .reviewing import approval_digest_of, approve_withdrawal

__all__ = [
    "CLAIM_SECONDS",
    "Preview",
    "Quote",
    "add_note",
    "approval_digest_of",
    "approve_withdrawal",
    "cancel_withdrawal",
    "claim_withdrawal",
    "confirm_withdrawal",
    "expire_withdrawals",
    "hold_withdrawal",
    "must_be_approved_anew",
    "preview_withdrawal",
    "quote_withdrawal",
    "reject_withdrawal",
    "release_claim",
    "release_due_holds",
    "release_hold",
    "request_withdrawal",
    "retry_withdrawal",
    "return_withdrawal",
    "withdrawal_of_link",
]
