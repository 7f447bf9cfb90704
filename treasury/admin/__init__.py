"""The staff's pages about money on chains and in the ledger. All for reading; what can be done is done in dialogs."""

from . import alarms, deposits, ledger, networks, payments, wallets

__all__ = ["alarms", "deposits", "ledger", "networks", "payments", "wallets"]
