"""Secrets that are handed out: 256 random bits with a prefix that scanners of leaks can know."""

import hashlib
import secrets


def made(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(32)


def hashed(token: str) -> bytes:
    """As it is kept. Of that much chance a fast hash is enough."""
    return hashlib.sha256(token.encode(errors="replace")).digest()
