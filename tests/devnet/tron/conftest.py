"""The local TRON node of this worker."""

from tests.support.tron import tron, tron_process

__all__ = ["tron", "tron_process"]
