from .activity import ActivityLog
from .outgoing_mail import OutgoingMail
from .user import User, UserManager, UserProfile

__all__ = ["ActivityLog", "OutgoingMail", "User", "UserManager", "UserProfile"]
