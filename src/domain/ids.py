"""Identifiers: UUIDs inside, prefixed opaque strings outside."""

import base64
import binascii
from datetime import datetime
from functools import lru_cache
from typing import NewType
from uuid import UUID

AccountId = NewType("AccountId", UUID)
ImageId = NewType("ImageId", UUID)
AlbumId = NewType("AlbumId", UUID)
OrganizationId = NewType("OrganizationId", UUID)
TeamId = NewType("TeamId", UUID)
ShareId = NewType("ShareId", UUID)
KeyId = NewType("KeyId", UUID)
SessionId = NewType("SessionId", UUID)
TokenId = NewType("TokenId", UUID)
WebhookId = NewType("WebhookId", UUID)

NOBODY = AccountId(UUID(int=0))
"""The actor of what Darkroom does by itself."""

_DIGITS = 26  # of base 32, for 128 bits


def uuid7(now: datetime, entropy: bytes) -> UUID:
    """RFC 9562 version 7 over 10 bytes of entropy: ordered by millisecond, 74 bits random.

    Libraries fill part of the random bits with a counter, which makes neighbours guessable.
    """
    random = int.from_bytes(entropy, "big")
    high, low = random >> 62 & 0xFFF, random & (1 << 62) - 1
    millis = int(now.timestamp() * 1000)
    return UUID(int=millis << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def to_text(prefix: str, id: UUID) -> str:
    """`img` and a UUID as `img_0ckvh...`: ordered like the UUID, safe in URLs."""
    return f"{prefix}_{base64.b32hexencode(id.bytes).decode().rstrip('=').lower()}"


def from_text(prefix: str, text: str) -> UUID | None:
    """The UUID behind an id; None if the text was never one of that prefix."""
    head, _, digits = text.partition("_")
    if head != prefix or len(digits) != _DIGITS or not digits.isascii():
        return None
    return _parsed(prefix, text, digits)


@lru_cache(10_000)
def _parsed(prefix: str, text: str, digits: str) -> UUID | None:
    """Remembered: every request to an image asks more than once."""
    try:
        id = UUID(bytes=base64.b32hexdecode(digits.upper() + "======"))
    except binascii.Error:
        return None
    return id if to_text(prefix, id) == text else None
