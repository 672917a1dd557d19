"""What every request passes first: whose it is, and whether it comes too often."""

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.clients import client
from api.identity import AnyRequest, identified
from api.parts import Parts
from commands.limits import Tolls, refusal
from domain.limits import Count, Policy
from domain.refusals import Refusal, Unavailable

SIGNING_IN = ("/v1/auth/", "/oauth/")
_COUNT = "count"


class Entrance(ASGIMiddleware):
    scopes = (ScopeType.HTTP,)

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        tolls = self._parts.tolls
        if tolls and (count := await self._counted(scope, tolls)):
            scope["state"][_COUNT] = count
            if not count.granted:
                next_app = _answered(refusal(count))
        await next_app(scope, receive, send)

    async def _counted(self, scope: Scope, tolls: Tolls) -> Count | None:
        """None where nothing can be counted: limits protect the service, they never close it."""
        policy, key = await self._toll(scope, tolls)
        try:
            return await tolls.limiter.take(policy, key)
        except Unavailable:
            return None

    async def _toll(self, scope: Scope, tolls: Tolls) -> tuple[Policy, str]:
        """By account, else by address: also where the credentials turn out to be bad."""
        if scope["path"].startswith(SIGNING_IN):
            return tolls.limits.signing_in, client(scope, self._parts.proxies)
        try:
            bearer = await identified(scope, self._parts)
        except Refusal:
            bearer = None
        if bearer is None:
            return tolls.limits.anonymous, client(scope, self._parts.proxies)
        return tolls.limits.of(bearer.plan), bearer.account_id.hex


def _answered(no: Refusal) -> ASGIApp:
    """An application that says no."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = AnyRequest(scope, receive, send)
        answer = problems.refused(request, no).to_asgi_response(None, request)
        await answer(scope, receive, send)

    return app


async def tell_limits(message: Message, scope: Scope) -> None:
    """Before any answer: where its client stands (draft-ietf-httpapi-ratelimit-headers)."""
    count: Count | None = scope["state"].get(_COUNT)
    if count is None or message["type"] != "http.response.start":
        return
    policy = count.policy
    headers = MutableScopeHeaders.from_message(message)
    headers["RateLimit-Policy"] = f'"{policy.name}";q={policy.most};w={policy.seconds}'
    headers["RateLimit"] = f'"{policy.name}";r={count.remaining};t={count.full_in}'
