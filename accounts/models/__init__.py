from .activity import ActivityLog
from .outgoing_mail import OutgoingMail
from .protection import SettingsLock, WithdrawalHold
from .user import Customer, StaffUser, User, UserManager, UserProfile

__all__ = [
    "ActivityLog",
    "Customer",
    "OutgoingMail",
    "SettingsLock",
    "StaffUser",
    "User",
    "UserManager",
    "UserProfile",
    "WithdrawalHold",
]
