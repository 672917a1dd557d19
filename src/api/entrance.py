"""What every request passes first: whose it is, whether it comes too often, how far it may go."""

from contextlib import suppress

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.clients import client
from api.identity import AnyRequest, identified
from api.parts import Parts
from commands.credentials import Bearer
from commands.limits import Tolls, refusal
from domain import access
from domain.access import require_scope
from domain.limits import Count, Limits, Policy
from domain.refusals import Refusal, Unavailable

ADMINISTRATION = "/v1/admin/"
SAFE = {"GET", "HEAD", "OPTIONS"}
SIGNING_IN = ("/v1/auth/", "/oauth/")
_COUNT, _NEEDED = "count", "needed"
GUESTS = {_NEEDED: access.Scope.UPLOAD}
"""Of a route: for those, too, who were given an upload token."""
PERSONAL = {_NEEDED: access.Scope.PERSON}
"""Of a route: for whoever signed in, and nobody whom they lent something."""


class Entrance(ASGIMiddleware):
    scopes = (ScopeType.HTTP,)

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        try:
            await self._admit(scope)
        except Refusal as no:
            next_app = _answered(no)
        await next_app(scope, receive, send)

    async def _admit(self, scope: Scope) -> None:
        """Raises RateLimited or Forbidden. Bad credentials are for the routes to refuse."""
        bearer = None
        with suppress(Refusal):
            bearer = await identified(scope, self._parts)
        tolls = self._parts.tolls
        if tolls and (count := await self._counted(scope, bearer, tolls)):
            scope["state"][_COUNT] = count
            if not count.granted:
                raise refusal(count)
        if bearer and not scope["path"].startswith(SIGNING_IN):
            require_scope(bearer.scopes, needed(scope))

    async def _counted(self, scope: Scope, bearer: Bearer | None, tolls: Tolls) -> Count | None:
        """None where nothing can be counted: limits protect the service, they never close it."""
        policy, key = self._toll(scope, bearer, tolls.limits)
        try:
            return await tolls.limiter.take(policy, key)
        except Unavailable:
            return None

    def _toll(self, scope: Scope, bearer: Bearer | None, limits: Limits) -> tuple[Policy, str]:
        """By account, else by address: also where the credentials turn out to be bad."""
        if scope["path"].startswith(SIGNING_IN):
            return limits.signing_in, client(scope, self._parts.proxies)
        if bearer is None or bearer.token_id:  # guests use up nothing of their host's
            return limits.anonymous, client(scope, self._parts.proxies)
        return limits.of(bearer.plan), bearer.account_id.hex


def needed(scope: Scope) -> access.Scope:
    """Reading or writing, as the method has it, where the route says nothing else."""
    handler: BaseRouteHandler = scope["route_handler"]
    if own := handler.opt.get(_NEEDED):
        return access.Scope(own)
    if scope["path"].startswith(ADMINISTRATION):
        return access.Scope.ADMIN
    return access.Scope.READ if scope["method"] in SAFE else access.Scope.WRITE  # type: ignore[typeddict-item]  # HTTP only


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
    MutableScopeHeaders.from_message(message).update(limits(count))


def limits(count: Count) -> dict[str, str]:
    policy = count.policy
    return {
        "RateLimit-Policy": f'"{policy.name}";q={policy.most};w={policy.seconds}',
        "RateLimit": f'"{policy.name}";r={count.remaining};t={count.full_in}',
    }
