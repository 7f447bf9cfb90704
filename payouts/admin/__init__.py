"""The staff's queue of withdrawals."""

from . import withdrawals

__all__ = ["withdrawals"]
