"""URLs that are signed: good for what they name, until they expire."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

import msgspec


class SignedUrl(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    expires_at: datetime


class UrlSigner(Protocol):
    """HMAC over path and parameters, with an expiry and a key id."""

    def sign(
        self,
        path: str,
        parameters: Mapping[str, str],
        expires_at: datetime,
        now: datetime,
        not_before: datetime | None = None,
    ) -> SignedUrl:
        """`path` with its parameters and `exp`, `kid`, `sig`; it may live a little longer."""
        ...

    def verify(self, path: str, parameters: Mapping[str, str], now: datetime) -> None:
        """Raises SignatureInvalid, SignatureExpired or SignatureNotYetValid."""
        ...


class KeyFinder(Protocol):
    async def meet(self, key_id: str) -> None:
        """Have `verify` know the key, if there is one of this id. Raises Unavailable."""
        ...
