from .saved_address import SavedAddress
from .withdrawal import WithdrawalApproval, WithdrawalEvent, WithdrawalNote, WithdrawalRequest

__all__ = ["SavedAddress", "WithdrawalApproval", "WithdrawalEvent", "WithdrawalNote", "WithdrawalRequest"]
