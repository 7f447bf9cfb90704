# ruff: noqa: E501 -- drawings are one line each
"""The pages' line icons: a name and its drawing on a grid of 24."""

from typing import Final

ICONS: Final[dict[str, str]] = {
    "overview": '<path d="M4 12.5 12 5l8 7.5"/><path d="M6 11v8h12v-8"/>',
    "in": '<path d="M12 4v14"/><path d="m6 12 6 6 6-6"/>',
    "out": '<path d="M12 20V6"/><path d="m6 12 6-6 6 6"/>',
    "history": '<path d="M4 12a8 8 0 1 0 2.6-5.9"/><path d="M4 4v4h4"/><path d="M12 8v4.5l3 1.8"/>',
    "settings": '<path d="M4 7h9m5 0h2M4 17h2m5 0h9"/><circle cx="15.5" cy="7" r="2.5"/><circle cx="8.5" cy="17" r="2.5"/>',
    "help": '<circle cx="12" cy="12" r="8.5"/><path d="M9.7 9.6a2.4 2.4 0 1 1 3.4 2.6c-.7.4-1.1.9-1.1 1.6"/><path d="M12 16.7v.1"/>',
    "staff": '<path d="M12 3.5 5 6v5.5c0 4.3 2.9 7.4 7 9 4.1-1.6 7-4.7 7-9V6z"/><path d="m9.2 12 2 2 3.6-4"/>',
    "sun": '<circle cx="12" cy="12" r="3.8"/><path d="M12 3.5v1.8m0 13.4v1.8M3.5 12h1.8m13.4 0h1.8M6 6l1.3 1.3m9.4 9.4L18 18m0-12-1.3 1.3M7.3 16.7 6 18"/>',
    "moon": '<path d="M19.5 14.2A8 8 0 0 1 9.8 4.5a8 8 0 1 0 9.7 9.7z"/>',
    "device": '<rect x="3.5" y="5" width="17" height="11.5" rx="1.8"/><path d="M9 20h6"/>',
    "copy": '<rect x="8.5" y="8.5" width="11" height="11" rx="2"/><path d="M15.5 8.5v-2a2 2 0 0 0-2-2h-7a2 2 0 0 0-2 2v7a2 2 0 0 0 2 2h2"/>',
    "check": '<path d="m5 12.5 4.5 4.5L19 7.5"/>',
    "warning": '<path d="M12 4 2.8 19.5h18.4z"/><path d="M12 10v4.5m0 2.4v.1"/>',
    "error": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7.5v5.5m0 3v.1"/>',
    "info": '<circle cx="12" cy="12" r="8.5"/><path d="M12 11v5.5M12 7.6v.1"/>',
    "clock": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7.5V12l3 2"/>',
    "mail": '<rect x="3.5" y="5.5" width="17" height="13" rx="2"/><path d="m4.5 7.5 7.5 5.5 7.5-5.5"/>',
    "next": '<path d="m9.5 6 6 6-6 6"/>',
    "back": '<path d="m14.5 6-6 6 6 6"/>',
    "external": '<path d="M13.5 4.5h6v6m0-6L11 13"/><path d="M18 14.5v3a2 2 0 0 1-2 2H6.5a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2h3"/>',
    "lock": '<rect x="5" y="10.5" width="14" height="9.5" rx="2"/><path d="M8 10.5V8a4 4 0 0 1 8 0v2.5"/>',
    "key": '<circle cx="8" cy="15" r="4"/><path d="m11 12 8-8m-3 3 2.5 2.5M13.5 9.5l2 2"/>',
    "shield": '<path d="M12 3.5 5 6v5.5c0 4.3 2.9 7.4 7 9 4.1-1.6 7-4.7 7-9V6z"/>',
    "snow": '<path d="M12 3v18M4.2 7.5l15.6 9M19.8 7.5l-15.6 9M9.5 4.5 12 7l2.5-2.5M9.5 19.5 12 17l2.5 2.5"/>',
    "eye": '<path d="M2.8 12S6 5.8 12 5.8 21.2 12 21.2 12 18 18.2 12 18.2 2.8 12 2.8 12z"/><circle cx="12" cy="12" r="2.7"/>',
    "ledger": '<rect x="4.5" y="3.5" width="15" height="17" rx="2"/><path d="M8.5 8h7m-7 4h7m-7 4h4"/>',
    "people": '<circle cx="9" cy="8.5" r="3.2"/><path d="M3.5 19c.4-3.2 2.6-5 5.5-5s5.1 1.8 5.5 5"/><path d="M15.5 5.6a3.2 3.2 0 0 1 0 5.8m2 2.8c1.7.7 2.7 2.3 3 4.8"/>',
    "arbitrum": '<path d="M12 3 4.2 7.5v9L12 21l7.8-4.5v-9z"/><path d="m8.7 16 3.3-8.5 3.3 8.5m-5.5-2.8h4.4"/>',
    "bsc": '<path d="m12 4 4 4-4 4-4-4z"/><path d="m12 12 4 4-4 4-4-4z"/><path d="m5 10.5 1.5 1.5L5 13.5 3.5 12zm14 0 1.5 1.5-1.5 1.5-1.5-1.5z"/>',
    "network": '<circle cx="12" cy="5.5" r="2.5"/><circle cx="5.5" cy="18" r="2.5"/><circle cx="18.5" cy="18" r="2.5"/><path d="m10.8 7.7-4.1 8m6.5-8 4.1 8M8 18h8"/>',
}
