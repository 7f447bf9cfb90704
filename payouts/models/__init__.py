from .withdrawal import WithdrawalApproval, WithdrawalEvent, WithdrawalNote, WithdrawalRequest

__all__ = ["WithdrawalApproval", "WithdrawalEvent", "WithdrawalNote", "WithdrawalRequest"]
