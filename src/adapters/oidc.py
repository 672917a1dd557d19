"""The Provider port: authorization code flow with PKCE (OpenID Connect Core; RFC 7636, 9207)."""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt
import msgspec

from adapters.sealing import Sealer
from commands.oidc import Begun, Recognized
from domain.refusals import Unauthenticated, Unavailable

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
"""Signatures by a key of the provider's. Never a secret that we share, never none."""
LIFETIME = 600.0
"""Seconds that somebody may take to be recognized."""
FRESH = 3_600.0
"""Seconds that we believe what a provider says of itself."""
LEEWAY = 60
TIMEOUT = 10.0


class Registration(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """How we are known to a provider."""

    issuer: str
    client_id: str
    client_secret: str = ""
    scopes: str = "openid email profile"


class _Metadata(msgspec.Struct, frozen=True, kw_only=True):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class _Question(msgspec.Struct, frozen=True, kw_only=True):
    """What the browser keeps for us."""

    state: str
    nonce: str
    verifier: str
    until: float


class OidcProvider:
    def __init__(
        self, registration: Registration, redirect_uri: str, sealer: Sealer, name: str
    ) -> None:
        self._registration = registration
        self._redirect_uri = redirect_uri
        self._sealer = sealer
        self._place = f"oidc {name}".encode()
        """What was begun with one provider cannot be finished with another."""
        self._known: tuple[float, _Metadata] | None = None
        self._keys: jwt.PyJWKSet | None = None

    async def begin(self) -> Begun:
        metadata = await self._metadata()
        question = _Question(
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            verifier=secrets.token_urlsafe(48),
            until=time.time() + LIFETIME,
        )
        challenge = hashlib.sha256(question.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._registration.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": self._registration.scopes,
            "state": question.state,
            "nonce": question.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in metadata.authorization_endpoint else "?"
        sealed = self._sealer.seal(msgspec.json.encode(question), self._place)
        return Begun(
            url=f"{metadata.authorization_endpoint}{joint}{urlencode(query)}",
            secret=base64.urlsafe_b64encode(sealed).decode(),
        )

    async def finish(self, *, code: str, state: str, secret: str) -> Recognized:
        question = self._opened(secret)
        if not hmac.compare_digest(question.state.encode(), state.encode(errors="replace")):
            raise Unauthenticated
        if question.until < time.time():
            raise Unauthenticated
        claims = await self._verified(await self._traded(code, question.verifier))
        nonce = str(claims.get("nonce"))
        if not hmac.compare_digest(question.nonce.encode(), nonce.encode(errors="replace")):
            raise Unauthenticated
        email = claims.get("email")
        return Recognized(
            issuer=self._registration.issuer,
            subject=str(claims["sub"]),
            email=str(email) if email and claims.get("email_verified") is True else None,
            name=str(claims.get("preferred_username") or email or "user"),
        )

    def _opened(self, secret: str) -> _Question:
        try:
            raw = self._sealer.open(base64.urlsafe_b64decode(secret), self._place)
        except Exception as error:  # base64, length, tag: whatever it is, it is not ours
            raise Unauthenticated from error
        return msgspec.json.decode(raw, type=_Question)

    async def _traded(self, code: str, verifier: str) -> str:
        """The ID token that the code is good for. Raises Unauthenticated."""
        metadata, us = await self._metadata(), self._registration
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
            "client_id": us.client_id,
        }
        basic: httpx.BasicAuth | None = None
        if us.client_secret:
            if "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
                basic = httpx.BasicAuth(us.client_id, us.client_secret)
            else:
                form["client_secret"] = us.client_secret
        answer = await _ask("POST", metadata.token_endpoint, data=form, auth=basic)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise Unauthenticated
        return token

    async def _verified(self, token: str) -> dict[str, Any]:
        us = self._registration
        try:
            key = await self._key(str(jwt.get_unverified_header(token).get("kid", "")))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=us.client_id,
                issuer=us.issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "iss", "aud", "sub", "nonce"]},
            )
        except (jwt.PyJWTError, ValueError) as error:
            raise Unauthenticated from error
        if claims.get("azp", us.client_id) != us.client_id:
            raise Unauthenticated
        return claims

    async def _key(self, kid: str) -> jwt.PyJWK:
        """By its id; asked for anew where it is not known, for keys follow one another."""
        found = _among(self._keys, kid) if self._keys else None
        if found is None:
            jwks = await _ask("GET", (await self._metadata()).jwks_uri)
            self._keys = jwt.PyJWKSet.from_dict(jwks)
            found = _among(self._keys, kid)
        if found is None:
            raise Unauthenticated
        return found

    async def _metadata(self) -> _Metadata:
        if self._known and self._known[0] > time.monotonic():
            return self._known[1]
        issuer = self._registration.issuer
        told = await _ask("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        try:
            metadata = msgspec.convert(told, _Metadata)
        except msgspec.ValidationError as error:
            raise Unavailable(dependency="sign-in provider") from error
        if metadata.issuer != issuer:
            raise Unavailable(dependency="sign-in provider", reason="it says it is another")
        self._known = (time.monotonic() + FRESH, metadata)
        return metadata


def registrations(text: str) -> Mapping[str, Registration]:
    """JSON by name. Raises ValidationError."""
    return msgspec.json.decode(text or "{}", type=dict[str, Registration])


def _among(keys: jwt.PyJWKSet, kid: str) -> jwt.PyJWK | None:
    if not kid and len(keys.keys) == 1:
        return keys.keys[0]
    return next((key for key in keys.keys if key.key_id == kid), None)


async def _ask(method: str, url: str, **body: Any) -> dict[str, Any]:
    """Raises Unavailable; Unauthenticated where the provider refuses us."""
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False) as http:
            answer = await http.request(method, url, headers={"Accept": "application/json"}, **body)
    except httpx.HTTPError as error:
        raise Unavailable(dependency="sign-in provider") from error
    if method == "POST" and 400 <= answer.status_code < 500:
        raise Unauthenticated
    if not answer.is_success:
        raise Unavailable(dependency="sign-in provider", status=answer.status_code)
    try:
        found = answer.json()
    except ValueError as error:
        raise Unavailable(dependency="sign-in provider") from error
    if not isinstance(found, dict):
        raise Unavailable(dependency="sign-in provider")
    return found
