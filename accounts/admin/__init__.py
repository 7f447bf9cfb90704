"""The staff's pages about people and what they were told."""

from . import activity, mails, sign_ins, staff

__all__ = ["activity", "mails", "sign_ins", "staff"]
