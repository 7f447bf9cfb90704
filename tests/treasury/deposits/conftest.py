"""Fixtures of tests.support.watching, for everything in this folder."""

from tests.support.watching import anna, arbitrum, books_are_right, bsc, depositors, pool, proxy

__all__ = ["anna", "arbitrum", "books_are_right", "bsc", "depositors", "pool", "proxy"]
