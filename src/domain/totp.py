"""Time-based one-time passwords (RFC 6238): SHA-1, 6 digits, 30 seconds, as every app has them."""

import base64
import hashlib
import hmac
from datetime import datetime
from urllib.parse import quote

SECONDS, DIGITS = 30, 6
DRIFT = 1
"""Steps that a clock may be off, either way."""


def step(now: datetime) -> int:
    return int(now.timestamp()) // SECONDS


def code(secret: bytes, at_step: int, digits: int = DIGITS) -> str:
    digest = hmac.digest(secret, at_step.to_bytes(8, "big"), hashlib.sha1)
    start = digest[-1] & 0xF
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def matching(secret: bytes, given: str, now: datetime) -> int | None:
    """The step that the code is of; None if it is of none. All are compared, whichever it is."""
    here = step(now)
    found = [
        it
        for it in range(here - DRIFT, here + DRIFT + 1)
        if hmac.compare_digest(code(secret, it).encode(), given.encode())
    ]
    return found[-1] if found else None


def text(secret: bytes) -> str:
    """As people type it."""
    return base64.b32encode(secret).decode().rstrip("=")


def uri(secret: bytes, *, issuer: str, name: str) -> str:
    """What an app reads from a QR code."""
    label = quote(f"{issuer}:{name}", safe="@")
    figures = f"algorithm=SHA1&digits={DIGITS}&period={SECONDS}"
    return f"otpauth://totp/{label}?secret={text(secret)}&issuer={quote(issuer)}&{figures}"
