"""The OAuth 2.0 token endpoint (RFC 6749), for clients that know nothing of Darkroom."""

import base64
import binascii
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import msgspec
from litestar import Response, get, post

from api.clients import device
from api.identity import AnyRequest
from api.parts import Given, Parts
from commands.accounts import LogIn, Refresh
from commands.credentials import Claims
from commands.sessions import Session
from domain.access import Scope, reach
from domain.ids import KeyId, from_text
from domain.refusals import AccountSuspended, SecondFactorRequired, Unauthenticated

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 20
LENDABLE = (Scope.READ, Scope.WRITE, Scope.ADMIN)


class Rejected(Exception):
    """RFC 6749, 5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.status = status


class Form(msgspec.Struct, frozen=True):
    fields: dict[str, str]

    def required(self, name: str) -> str:
        """Raises Rejected."""
        if not (value := self.fields.get(name)):
            raise Rejected("invalid_request", f"{name} is missing")
        return value


@post("/oauth/token", status_code=200, tags=["accounts"], summary="Tokens, as RFC 6749 has it")
async def token(request: AnyRequest, parts: Given) -> Response[dict[str, Any]]:
    """A form with `grant_type` password, refresh_token or client_credentials (an API key)."""
    try:
        form = await _form(request)
        grant = _GRANTS.get(form.required("grant_type"))
        if grant is None:
            raise Rejected("unsupported_grant_type", "no such grant_type")
        return _answer(200, await grant(request, parts, form))
    except Rejected as no:
        return _answer(no.status, {"error": no.error, "error_description": str(no)})


@get("/.well-known/oauth-authorization-server", tags=["accounts"], summary="RFC 8414 metadata")
async def metadata(parts: Given) -> Response[dict[str, Any]]:
    url = parts.public_url
    return Response(
        {
            "issuer": url,
            "token_endpoint": f"{url}/oauth/token",
            "jwks_uri": f"{url}/.well-known/jwks.json",
            "grant_types_supported": list(_GRANTS),
            "response_types_supported": [],
            "scopes_supported": list(LENDABLE),
            "token_endpoint_auth_methods_supported": [
                *("none", "client_secret_basic", "client_secret_post")
            ],
            "service_documentation": f"{url}/schema",
        },
        headers={"Cache-Control": "public, max-age=3600"},
    )


async def _password(request: AnyRequest, parts: Parts, form: Form) -> dict[str, Any]:
    command = LogIn(
        email=form.required("username"),
        password=form.required("password"),
        code=form.fields.get("otp"),
        device=device(request, parts.proxies),
    )
    return _of_session(parts, await _granted(parts.dispatch(command)))


async def _refresh_token(request: AnyRequest, parts: Parts, form: Form) -> dict[str, Any]:
    command = Refresh(
        refresh_token=form.required("refresh_token"), device=device(request, parts.proxies)
    )
    return _of_session(parts, await _granted(parts.dispatch(command)))


async def _client_credentials(request: AnyRequest, parts: Parts, form: Form) -> dict[str, Any]:
    id, secret = _client(request, form)
    key_id = from_text("key", id)
    try:
        bearer = await parts.credentials.client(secret)
    except (Unauthenticated, AccountSuspended) as error:
        raise _bad_client() from error
    if key_id is None or bearer.key_id != KeyId(key_id):
        raise _bad_client()
    claims = Claims(
        account_id=bearer.account_id,
        key_id=bearer.key_id,
        scopes=_narrowed(bearer.scopes, form.fields.get("scope", "")),
    )
    return _tokens(parts, claims)


async def _granted(trying: Awaitable[Session]) -> Session:
    try:
        return await trying
    except SecondFactorRequired as error:
        raise Rejected("invalid_grant", "The second factor is missing: send it as otp.") from error
    except (Unauthenticated, AccountSuspended) as error:
        raise Rejected("invalid_grant", str(error)) from error


def _of_session(parts: Parts, session: Session) -> dict[str, Any]:
    return _tokens(parts, session.claims) | {"refresh_token": session.refresh_token}


def _tokens(parts: Parts, claims: Claims) -> dict[str, Any]:
    access_token, seconds = parts.tokens.issue(claims)
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": seconds,
        "scope": " ".join(sorted(claims.scopes)),
    }


def _narrowed(scopes: frozenset[Scope], asked: str) -> frozenset[Scope]:
    """What is asked for, if it is no more than there is. Raises Rejected."""
    if not asked:
        return scopes
    try:
        wanted = frozenset(map(Scope, asked.split()))
    except ValueError as error:
        raise Rejected("invalid_scope", "no such scope") from error
    if not wanted or not reach(wanted) <= reach(scopes):
        raise Rejected("invalid_scope", "the client may not do that much")
    return wanted


def _client(request: AnyRequest, form: Form) -> tuple[str, str]:
    """Id and secret, from the header or the form. Raises Rejected."""
    header = request.headers.get("Authorization")
    if header is None:
        return form.fields.get("client_id", ""), form.fields.get("client_secret", "")
    if "client_secret" in form.fields:
        raise Rejected("invalid_request", "one way to authenticate, not two")
    scheme, _, encoded = header.partition(" ")
    try:
        raw = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raw = ""
    id, _, secret = raw.partition(":")
    if scheme.lower() != "basic":
        raise _bad_client()
    return unquote_plus(id), unquote_plus(secret)


def _bad_client() -> Rejected:
    return Rejected("invalid_client", "no such client, or not its secret", 401)


async def _form(request: AnyRequest) -> Form:
    """Raises Rejected."""
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != FORM:
        raise Rejected("invalid_request", f"the body must be {FORM}")
    try:
        text = (await request.body()).decode()
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise Rejected("invalid_request", "the body is no form") from error
    if len(dict(pairs)) != len(pairs):
        raise Rejected("invalid_request", "a parameter stands twice")
    return Form(dict(pairs))


def _answer(status: int, document: dict[str, Any]) -> Response[dict[str, Any]]:
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Basic realm="darkroom"'
    return Response(document, status_code=status, headers=headers)


_Grant = Callable[[AnyRequest, Parts, Form], Awaitable[dict[str, Any]]]
_GRANTS: dict[str, _Grant] = {
    "password": _password,
    "refresh_token": _refresh_token,
    "client_credentials": _client_credentials,
}
