"""Signing in through an OpenID Connect provider, with a browser."""

from typing import Any

from litestar import Controller, Response, get
from litestar.params import FromPath

from api.accounts import tokens
from api.clients import device
from api.identity import AnyRequest
from api.parts import Given, Parts
from api.waiting import written
from commands.oidc import Provider, SignInThrough
from domain.refusals import NotFound, Unauthenticated

COOKIE = "darkroom_sign_in"
LIFETIME = 600
PATH = "/v1/auth/oidc"


class OidcController(Controller):
    path = PATH
    tags = ("accounts",)

    @get(summary="Who can be signed in through")
    async def providers(self, parts: Given) -> dict[str, Any]:
        return {
            "providers": [
                {"name": name, "url": f"{parts.public_url}{PATH}/{name}"}
                for name in parts.providers
            ]
        }

    @get("/{provider:str}", status_code=302, summary="Go there to be recognized")
    async def begin(self, provider: FromPath[str], parts: Given) -> Response[None]:
        begun = await _provider(parts, provider).begin()
        headers = {
            "Location": begun.url,
            "Cache-Control": "no-store",
            "Set-Cookie": _cookie(parts, begun.secret, LIFETIME),
        }
        return Response(None, status_code=302, headers=headers)

    @get("/{provider:str}/callback", status_code=200, summary="Come back, and get tokens")
    async def finish(
        self, provider: FromPath[str], request: AnyRequest, parts: Given
    ) -> Response[dict[str, Any]]:
        asked, secret = request.query_params, request.cookies.get(COOKIE, "")
        code, state = str(asked.get("code", "")), str(asked.get("state", ""))
        through = _provider(parts, provider)
        if not (code and state and secret):
            raise Unauthenticated
        recognized = await through.finish(code=code, state=state, secret=secret)
        if asked.get("iss", recognized.issuer) != recognized.issuer:  # RFC 9207
            raise Unauthenticated
        command = SignInThrough(recognized=recognized, device=device(request, parts.proxies))
        signed_in = await parts.dispatch(command)
        await written(parts, signed_in.receipt)
        answer = tokens(parts, signed_in.session)
        answer.headers["Set-Cookie"] = _cookie(parts, "", 0)
        return answer


def _provider(parts: Parts, name: str) -> Provider:
    if name not in parts.providers:
        raise NotFound
    return parts.providers[name]


def _cookie(parts: Parts, value: str, seconds: int) -> str:
    """Sent along when the provider sends its browser back, and to nobody else."""
    secure = "; Secure" if parts.public_url.startswith("https:") else ""
    flags = f"HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}"
    return f"{COOKIE}={value}; Path={PATH}; {flags}"
