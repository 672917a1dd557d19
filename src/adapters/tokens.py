"""Access tokens: JWTs signed with Ed25519; of a token only its key id is believed unverified."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from commands.credentials import Claims
from commands.ports import Clock
from domain.access import Scope
from domain.ids import AccountId, KeyId, SessionId, from_text, to_text
from domain.refusals import Unauthenticated

ALGORITHM = "EdDSA"
TYPE = "at+jwt"  # RFC 9068
AUDIENCE = "darkroom"
LONGEST = 4_096


class Ring(msgspec.Struct, frozen=True, kw_only=True):
    """Keys by their ids."""

    current: str
    signing: Ed25519PrivateKey
    verifying: Mapping[str, Ed25519PublicKey]


def key_id(key: Ed25519PublicKey) -> str:
    """The key's JWK thumbprint (RFC 7638)."""
    members = f'{{"crv":"Ed25519","kty":"OKP","x":"{_x(key)}"}}'
    return _base64(hashlib.sha256(members.encode()).digest())


class JwtTokens:
    """The AccessTokens port. `ring` gives the keys as they are just now."""

    def __init__(self, ring: Callable[[], Ring], *, issuer: str, lifetime: int, now: Clock) -> None:
        self._ring = ring
        self._issuer = issuer
        self._lifetime = lifetime
        self._now = now

    def issue(self, claims: Claims) -> tuple[str, int]:
        issued, ring = int(self._now().timestamp()), self._ring()
        client = to_text("key", claims.key_id) if claims.key_id else AUDIENCE
        said = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": to_text("u", claims.account_id),
            "client_id": client,
            "scope": " ".join(sorted(claims.scopes)),
            "iat": issued,
            "exp": issued + self._lifetime,
            "jti": uuid4().hex,
        }
        if claims.session_id:
            said["sid"] = to_text("ses", claims.session_id)
        headers = {"typ": TYPE, "kid": ring.current}
        return jwt.encode(said, ring.signing, ALGORITHM, headers=headers), self._lifetime

    def verify(self, token: str) -> Claims:
        if len(token) > LONGEST:
            raise Unauthenticated
        try:
            header = jwt.get_unverified_header(token)
            key = self._ring().verifying.get(str(header.get("kid")))
            if header.get("typ") != TYPE or key is None:
                raise Unauthenticated
            said = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                options={
                    "require": ["exp", "iat", "iss", "aud", "sub", "jti", "client_id", "scope"]
                },
            )
            return _claims(said)
        except (jwt.PyJWTError, ValueError) as error:
            raise Unauthenticated from error

    def jwks(self) -> dict[str, Any]:
        common = {"kty": "OKP", "crv": "Ed25519", "alg": ALGORITHM, "use": "sig"}
        keys = self._ring().verifying.items()
        return {"keys": [common | {"kid": id, "x": _x(key)} for id, key in keys]}


def _claims(said: dict[str, Any]) -> Claims:
    """Raises ValueError."""
    account_id = from_text("u", str(said["sub"]))
    session_id = from_text("ses", str(said.get("sid")))
    by_key = from_text("key", str(said["client_id"]))
    if account_id is None or bool(session_id) is bool(by_key):
        raise ValueError
    return Claims(
        account_id=AccountId(account_id),
        session_id=SessionId(session_id) if session_id else None,
        key_id=KeyId(by_key) if by_key else None,
        scopes=frozenset(map(Scope, str(said["scope"]).split())),
    )


def _x(key: Ed25519PublicKey) -> str:
    return _base64(key.public_bytes_raw())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
