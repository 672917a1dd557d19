"""Signed URLs: HMAC-SHA256 over path and parameters, with an expiry and a key id."""

import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from math import ceil
from urllib.parse import quote, urlencode

from commands.signing import SignedUrl
from domain.refusals import SignatureExpired, SignatureInvalid, SignatureNotYetValid

WINDOW = 300
"""Seconds: long-lived URLs of one window are equal, so that caches hit."""
LONG = 600
NOT_BEFORE = "nbf"


class HmacUrls:
    """The UrlSigner port. The last one of `keys` signs; all of them verify."""

    def __init__(self, keys: Callable[[], Mapping[str, bytes]]) -> None:
        self._keys = keys

    def sign(
        self,
        path: str,
        parameters: Mapping[str, str],
        expires_at: datetime,
        now: datetime,
        not_before: datetime | None = None,
    ) -> SignedUrl:
        expiry = ceil(expires_at.timestamp())
        if expiry - now.timestamp() > LONG:
            expiry = ceil(expiry / WINDOW) * WINDOW
        newest, key = list(self._keys().items())[-1]
        signed = {**parameters, "exp": str(expiry), "kid": newest}
        if not_before:
            signed[NOT_BEFORE] = str(int(not_before.timestamp()))
        signed["sig"] = _signature(key, path, signed)
        return SignedUrl(
            url=f"{path}?{urlencode(signed)}", expires_at=datetime.fromtimestamp(expiry, UTC)
        )

    def verify(self, path: str, parameters: Mapping[str, str], now: datetime) -> None:
        given = dict(parameters)
        signature = given.pop("sig", "")
        key = self._keys().get(given.get("kid", ""))
        if key is None or not hmac.compare_digest(
            _signature(key, path, given).encode(), signature.encode()
        ):
            raise SignatureInvalid
        if int(given["exp"]) <= now.timestamp():
            raise SignatureExpired(expiredAt=int(given["exp"]))
        if int(given.get(NOT_BEFORE, 0)) > now.timestamp():
            raise SignatureNotYetValid(validFrom=int(given[NOT_BEFORE]))


def canonical(path: str, parameters: Mapping[str, str]) -> str:
    """One string for each request, and no string for two: everything but letters is quoted."""
    return _quoted(path, tuple(parameters.items()))


@lru_cache(4_000)
def _quoted(path: str, parameters: tuple[tuple[str, str], ...]) -> str:
    pairs = sorted((quote(name, safe=""), quote(value, safe="")) for name, value in parameters)
    return quote(path, safe="/") + "?" + "&".join(f"{name}={value}" for name, value in pairs)


def _signature(key: bytes, path: str, parameters: Mapping[str, str]) -> str:
    return hmac.digest(key, canonical(path, parameters).encode(), "sha256").hex()
