"""The demo's people have an authenticator app: this stands in for their phones.

Each seed is made from the demo's password and the person's address, so that nothing has to be kept. RFC 6238.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import time
from html import escape

STEP_SECONDS = 30
SECONDS_TO_USE_IT = 8.0  # until a busy machine has given a code to the page that asks for it
KEY_VARIABLE = "EXCHEQUER_DEMO_PASSWORD"


def seed_of(password: str, email: str) -> str:
    """The base32 seed in the app of one of the demo's people."""
    return base64.b32encode(hmac.digest(password.encode(), email.encode(), "sha1")).decode()


def code(seed: str, step: int) -> str:
    """What the app shows at `step`."""
    mac = hmac.new(base64.b32decode(seed), struct.pack(">Q", step), hashlib.sha1).digest()
    at = mac[-1] & 15
    (number,) = struct.unpack(">I", mac[at : at + 4])
    return f"{(number & 0x7FFFFFFF) % 10**6:06}"


def step_now() -> int:
    return int(time.time()) // STEP_SECONDS


def steps_taken_now() -> list[int]:
    """The steps whose codes are taken now, and for some seconds more: the best comes first.

    The one before goes out of use when this one ends, so with seconds left it is none of them.
    """
    now, left = step_now(), STEP_SECONDS - time.time() % STEP_SECONDS
    return [now, now + 1, *([now - 1] if left > SECONDS_TO_USE_IT else [])]


def codes_of(password: str, email: str) -> dict[int, str]:
    """The codes that can be used now, by their step; the best comes first."""
    seed = seed_of(password, email)
    return {step: code(seed, step) for step in steps_taken_now()}


def listing(password: str, people: list[tuple[str, str]]) -> str:
    """The page's body: everybody's present code. `people`: address and name."""
    left = STEP_SECONDS - int(time.time()) % STEP_SECONDS
    rows = "".join(
        f"<tr><td>{escape(name)}<br><small>{escape(email)}</small></td>"
        f"<td><code>{code(seed_of(password, email), step_now())}</code></td></tr>"
        for email, name in people
    )
    return (
        f"<p>What the authenticator apps of the demo's people show now; new ones in {left} s. "
        "Each is taken once: to sign in and then to approve takes two.</p>"
        f'<table><thead><tr><th scope="col">Who</th><th scope="col">Code</th></tr></thead><tbody>{rows}</tbody></table>'
    )
