"""People, the audit of what they did, and what they were told."""

from .activity import ActivityLog
from .activity_chain import ActivityAnchor, ActivityLink, ActivityLinking
from .login_history import LoginHistory
from .mailed_code import MailedCode
from .outgoing_mail import OutgoingMail
from .past_password import PastPassword
from .protection import SettingsLock, WithdrawalHold
from .second_factor import SecondFactorDevice, SpentCode
from .session import TrustedDevice, UserSession
from .told_fact import ToldFact
from .user import Customer, StaffUser, User, UserManager, UserProfile

__all__ = [
    "ActivityAnchor",
    "ActivityLink",
    "ActivityLinking",
    "ActivityLog",
    "Customer",
    "LoginHistory",
    "MailedCode",
    "OutgoingMail",
    "PastPassword",
    "SecondFactorDevice",
    "SettingsLock",
    "SpentCode",
    "StaffUser",
    "ToldFact",
    "TrustedDevice",
    "User",
    "UserManager",
    "UserProfile",
    "UserSession",
    "WithdrawalHold",
]
