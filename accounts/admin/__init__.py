"""The staff's pages about people and what they were told."""

from . import activity, mails, staff

__all__ = ["activity", "mails", "staff"]
