from .activity import ActivityLog
from .mailed_code import MailedCode
from .outgoing_mail import OutgoingMail
from .told_fact import ToldFact
from .user import Customer, StaffUser, User, UserManager, UserProfile

__all__ = [
    "ActivityLog",
    "Customer",
    "MailedCode",
    "OutgoingMail",
    "StaffUser",
    "ToldFact",
    "User",
    "UserManager",
    "UserProfile",
]
