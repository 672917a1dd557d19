"""Signed URLs: HMAC-SHA256 over path and parameters, with an expiry and a key id."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from math import ceil
from urllib.parse import quote, urlencode

from commands.ports import SignedUrl
from domain.refusals import SignatureExpired, SignatureInvalid

WINDOW = 300
"""Seconds: long-lived URLs of one window are equal, so that caches hit."""
LONG = 600


class HmacUrls:
    """The UrlSigner port. The newest of `keys` signs; all of them verify."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = dict(keys)
        self._newest = list(keys)[-1]

    def sign(
        self, path: str, parameters: Mapping[str, str], expires_at: datetime, now: datetime
    ) -> SignedUrl:
        expiry = ceil(expires_at.timestamp())
        if expiry - now.timestamp() > LONG:
            expiry = ceil(expiry / WINDOW) * WINDOW
        signed = {**parameters, "exp": str(expiry), "kid": self._newest}
        signed["sig"] = _signature(self._keys[self._newest], path, signed)
        return SignedUrl(
            url=f"{path}?{urlencode(signed)}", expires_at=datetime.fromtimestamp(expiry, UTC)
        )

    def verify(self, path: str, parameters: Mapping[str, str], now: datetime) -> None:
        given = dict(parameters)
        signature = given.pop("sig", "")
        key = self._keys.get(given.get("kid", ""))
        if key is None or not hmac.compare_digest(
            _signature(key, path, given).encode(), signature.encode()
        ):
            raise SignatureInvalid
        if int(given["exp"]) <= now.timestamp():
            raise SignatureExpired(expiredAt=int(given["exp"]))


def canonical(path: str, parameters: Mapping[str, str]) -> str:
    """One string for each request, and no string for two: everything but letters is quoted."""
    pairs = sorted(
        (quote(name, safe=""), quote(value, safe="")) for name, value in parameters.items()
    )
    return quote(path, safe="/") + "?" + "&".join(f"{name}={value}" for name, value in pairs)


def _signature(key: bytes, path: str, parameters: Mapping[str, str]) -> str:
    return hmac.new(key, canonical(path, parameters).encode(), hashlib.sha256).hexdigest()
