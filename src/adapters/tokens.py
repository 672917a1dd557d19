"""Access tokens: JWTs signed with Ed25519, verified with nothing taken from the token itself."""

import base64
from typing import Any
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from commands.ports import Claims, Clock, Session
from domain.ids import AccountId, SessionId, from_text, to_text
from domain.refusals import Unauthenticated

ALGORITHM = "EdDSA"
TYPE = "at+jwt"  # RFC 9068
AUDIENCE = "darkroom"
LONGEST = 4_096


class JwtTokens:
    """The AccessTokens port."""

    def __init__(
        self, key_id: str, key: Ed25519PrivateKey, *, issuer: str, lifetime: int, now: Clock
    ) -> None:
        self._key_id = key_id
        self._key = key
        self._issuer = issuer
        self._lifetime = lifetime
        self._now = now

    def issue(self, session: Session) -> tuple[str, int]:
        issued = int(self._now().timestamp())
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": to_text("u", session.account_id),
            "sid": session.family.hex,
            "iat": issued,
            "exp": issued + self._lifetime,
            "jti": uuid4().hex,
        }
        headers = {"typ": TYPE, "kid": self._key_id}
        return jwt.encode(claims, self._key, ALGORITHM, headers=headers), self._lifetime

    def verify(self, token: str) -> Claims:
        if len(token) > LONGEST:
            raise Unauthenticated
        try:
            if jwt.get_unverified_header(token).get("typ") != TYPE:
                raise Unauthenticated
            claims = jwt.decode(
                token,
                self._key.public_key(),
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                options={"require": ["exp", "iat", "iss", "aud", "sub", "sid", "jti"]},
            )
            session_id = SessionId(UUID(str(claims["sid"])))
        except (jwt.PyJWTError, ValueError) as error:
            raise Unauthenticated from error
        account_id = from_text("u", str(claims["sub"]))
        if account_id is None:
            raise Unauthenticated
        return Claims(account_id=AccountId(account_id), session_id=session_id)

    def jwks(self) -> dict[str, Any]:
        raw = self._key.public_key().public_bytes_raw()
        x = base64.urlsafe_b64encode(raw).decode().rstrip("=")
        key = {"kty": "OKP", "crv": "Ed25519", "alg": ALGORITHM, "use": "sig"}
        return {"keys": [key | {"kid": self._key_id, "x": x}]}
