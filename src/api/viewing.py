"""Looks at images, noted where their answers end: by then it is known what has left."""

import re
from urllib.parse import parse_qsl
from uuid import UUID

from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.clients import visitor
from api.identity import BEARER, PAGE
from commands.counts import Counter, Sight
from commands.credentials import Bearer
from domain.ids import ImageId, ShareId, from_text

PLACE = "/images/{id"
"""What the templates of all routes with an image's bytes begin with."""
SERVED = {200, 206, 304}
_FROM_THE_START = re.compile(r"bytes\s*=\s*0-")


class Viewing(ASGIMiddleware):
    """Stands outside of all that waits for a reader: what it adds to an answer is a sum."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, counter: Counter) -> None:
        self._counter = counter

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if not str(scope.get("path_template", "")).startswith(PLACE):
            await next_app(scope, receive, send)
            return
        status = egress = 0

        async def noted(message: Message) -> None:
            nonlocal status, egress
            await send(message)
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                egress += len(message["body"])

        try:
            await next_app(scope, receive, noted)
        finally:
            if status in SERVED and (sight := _sight(scope, status, egress)):
                self._counter.saw(sight)


def _sight(scope: Scope, status: int, egress: int) -> Sight | None:
    image_id = from_text("img", str(scope["path_params"].get("id", "")))
    if image_id is None:
        return None
    headers, query = Headers.from_scope(scope), scope["query_string"].decode("latin-1")
    names = {pair.partition("=")[0] for pair in query.split("&")}
    rest = scope["path"].rstrip("/").split("/")[3:]
    return Sight(
        image_id=ImageId(image_id),
        by=visitor(scope, _account(scope)),
        original=not rest or rest[0].startswith("original."),
        shared="share" in names,
        opened=_opened(ImageId(image_id), query) if {"share", "sig"} <= names else None,
        download="download" in names,
        again=scope["method"] == "HEAD" or status == 304 or _goes_on(headers, status),  # type: ignore[typeddict-item]  # HTTP only
        transform=rest[:1] == ["t"],
        egress=egress,
    )


def _account(scope: Scope) -> str:
    bearer = scope["state"].get(BEARER)
    return bearer.account_id.hex if isinstance(bearer, Bearer) else ""


def _opened(image_id: ImageId, query: str) -> tuple[ShareId, UUID] | None:
    """Where an answer was given, the link's signature was looked at before."""
    given = dict(parse_qsl(query))
    share_id = from_text("shr", given["share"]) if PAGE not in given else None
    lender = from_text("alb", given["album"]) if "album" in given else image_id
    return (ShareId(share_id), lender) if share_id and lender else None


def _goes_on(headers: Headers, status: int) -> bool:
    """A range that begins later belongs to a look that was counted at its beginning."""
    return status == 206 and not _FROM_THE_START.match(headers.get("Range", ""))
