"""Treasury's tasks by their names in the beat schedule. They hold no logic."""

from .alarms import tell_alarms
from .auditing import watch_activity
from .balances import read_wallet_balances
from .mailing import watch_mail
from .scanning import scan_all_networks, scan_foreign_tokens, scan_network
from .sending import advance_payments, send_signed_payments

__all__ = [
    "advance_payments",
    "read_wallet_balances",
    "scan_all_networks",
    "scan_foreign_tokens",
    "scan_network",
    "send_signed_payments",
    "tell_alarms",
    "watch_activity",
    "watch_mail",
]
