from .activity import ActivityLog
from .login_history import LoginHistory
from .outgoing_mail import OutgoingMail
from .user import Customer, StaffUser, User, UserManager, UserProfile

__all__ = [
    "ActivityLog",
    "Customer",
    "LoginHistory",
    "OutgoingMail",
    "StaffUser",
    "User",
    "UserManager",
    "UserProfile",
]
