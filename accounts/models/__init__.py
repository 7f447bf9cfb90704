from .activity import ActivityLog
from .activity_chain import ActivityAnchor, ActivityLink, ActivityLinking
from .outgoing_mail import OutgoingMail
from .user import Customer, StaffUser, User, UserManager, UserProfile

__all__ = [
    "ActivityAnchor",
    "ActivityLink",
    "ActivityLinking",
    "ActivityLog",
    "Customer",
    "OutgoingMail",
    "StaffUser",
    "User",
    "UserManager",
    "UserProfile",
]
