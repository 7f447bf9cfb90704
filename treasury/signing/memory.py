"""What the signer remembers beside the database: up to which payment of each network it has signed.

A database that was put back from an older copy knows nothing of the payments made since, and would have them made
again. On EVM networks their nonces are used up. Where no nonce protects (TRON), only somebody who remembers can notice:
the signer signs nothing on a network on which it has signed more than this database knows.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from treasury.signing.vault import signer_setting

logger = logging.getLogger(__name__)


def memory_file() -> Path:
    """SIGNER_MEMORY_FILE, by default beside the keystore. Raises NotTheSigner."""
    given = getattr(settings, "SIGNER_MEMORY_FILE", "")
    keystore = Path(signer_setting("SIGNER_KEYSTORE_FILE"))
    return Path(given) if given else keystore.with_name(f"{keystore.stem}.signed.json")


def remembered() -> dict[str, int]:
    """The highest number (nonce) that was ever signed, by network. Raises ValueError if the file is spoilt."""
    path = memory_file()
    if not path.exists():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return {str(code): int(number) for code, number in found.items()}


def older_databases(codes: Iterable[str]) -> dict[str, int]:
    """Networks on which the database knows of less than was signed, with the number that it lacks."""
    known = remembered()
    asked = sorted(set(codes) & set(known))
    if not asked:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT code, coalesce((SELECT max(r.nonce) FROM treasury_signingrecord AS r WHERE r.network = code), -1)"
            " FROM unnest(%s::text[]) AS code",
            [asked],
        )
        return {code: known[code] for code, number in cursor.fetchall() if number < known[code]}


def remember(numbers: Mapping[str, int]) -> None:
    """Keep the highest number of each network: on disk when this returns. Raises OSError."""
    known = remembered()
    if all(known.get(code, -1) >= number for code, number in numbers.items()):
        return
    merged = known | {code: max(number, known.get(code, -1)) for code, number in numbers.items()}
    _write(merged)


def forget(code: str) -> int | None:
    """Forget what was signed on a network; returns what it was. Somebody has compared books and chain."""
    known = remembered()
    forgotten = known.pop(code, None)
    if forgotten is not None:
        _write(known)
    return forgotten


def _write(numbers: Mapping[str, int]) -> None:
    write_durably(memory_file(), dict(sorted(numbers.items())))


def write_durably(path: Path, content: dict[str, Any]) -> None:
    """Whole or not at all, and on disk when this returns. Raises OSError."""
    draft = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
