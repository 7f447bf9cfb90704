"""The audit's hash chain: links made after the commits, anchors signed by the signer, and the check of both.

docs/decisions/0007 says what it protects against and how another tool recomputes it.
"""

from .anchors import Anchor, anchor_is_ours, anchor_message, last_anchor
from .health import ChainHealth, chain_health
from .linking import link_entries

__all__ = [
    "Anchor",
    "ChainHealth",
    "anchor_is_ours",
    "anchor_message",
    "chain_health",
    "last_anchor",
    "link_entries",
]
