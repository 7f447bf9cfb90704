from .activity import ActivityLog
from .outgoing_mail import OutgoingMail
from .user import Customer, StaffUser, User, UserManager, UserProfile

__all__ = ["ActivityLog", "Customer", "OutgoingMail", "StaffUser", "User", "UserManager", "UserProfile"]
