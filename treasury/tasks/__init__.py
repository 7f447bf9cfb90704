"""Treasury's tasks by their names in the beat schedule. They hold no logic."""

from .scanning import scan_all_networks, scan_foreign_tokens, scan_network

__all__ = ["scan_all_networks", "scan_foreign_tokens", "scan_network"]
