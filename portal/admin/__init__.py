"""The staff's pages that look into several rooms at once."""

from . import customers

__all__ = ["customers"]
