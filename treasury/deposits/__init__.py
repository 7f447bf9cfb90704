"""From a Transfer log to a customer's balance: scan, confirm, credit; and back, when the chain takes it back."""

from .confirming import confirm_deposits
from .crediting import DepositNotWaiting, credit_deposits, credit_waiting_deposit
from .following import follow_network
from .foreign import scan_foreign_tokens
from .scanning import ScanReport, rewind_scan, scan_deposits

__all__ = [
    "DepositNotWaiting",
    "ScanReport",
    "confirm_deposits",
    "credit_deposits",
    "credit_waiting_deposit",
    "follow_network",
    "rewind_scan",
    "scan_deposits",
    "scan_foreign_tokens",
]
