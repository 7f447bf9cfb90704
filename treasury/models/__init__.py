from .alarm import Alarm
from .approver import ApproverKey
from .broadcast import Broadcast, PaymentApproval, PaymentOrder, SigningRecord
from .deposit import Deposit, ForeignTransfer
from .ledger import LedgerAccount, LedgerBalance, LedgerKind, LedgerTransfer
from .network import NetworkState, ScannedBlock
from .wallet import DepositAddress, Wallet

__all__ = [
    "Alarm",
    "ApproverKey",
    "Broadcast",
    "Deposit",
    "DepositAddress",
    "ForeignTransfer",
    "LedgerAccount",
    "LedgerBalance",
    "LedgerKind",
    "LedgerTransfer",
    "NetworkState",
    "PaymentApproval",
    "PaymentOrder",
    "ScannedBlock",
    "SigningRecord",
    "Wallet",
]
