"""Small renderings by the shortest way: what is at hand is answered before the framework.

Whatever is unusual is left to the framework, which answers the same, only later.
"""

import os
import time
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl
from uuid import UUID

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from api import entrance, heads, ranges, renderings
from api.clients import AGENT, FORWARDED, client, peer
from api.correlating import REQUEST_ID
from api.parts import MetricsPage, Parts
from api.pictures import EXTENSIONS
from commands.counts import Sight, Visitor
from domain import access
from domain.access import Action, Viewer
from domain.ids import ImageId, from_text
from domain.limits import Count
from domain.media import Format, Rung
from domain.refusals import Refusal, Unavailable
from projections.gallery import Exhibit

PLACE = "/images/img_"
ROUTE = "/images/{id}/{variant}"
"""As the framework calls it in metrics."""
RENDERINGS = {
    f"{rung}.{extension}": (rung, EXTENSIONS.get(extension))
    for rung in Rung
    for extension in (*EXTENSIONS, "auto")
}
"""The format is None where it is negotiated."""
UNUSUAL = {
    *(b"authorization", b"origin", b"range", b"if-range", b"traceparent"),
    *(b"if-match", b"if-unmodified-since", b"darkroom-min-position"),
    *(b"content-length", b"transfer-encoding"),
}
SIGNED = {"sig", "exp", "kid", "nbf", "epoch"}
REQUEST = REQUEST_ID.lower().encode()
MOST = 10_000
"""Heads of answers, and URLs, that are kept."""

_Head = list[tuple[bytes, bytes]]


class Target(NamedTuple):
    """A rendering, as a URL names it."""

    image_id: ImageId
    id: str
    rung: Rung
    format: Format | None
    query: Mapping[str, str]


class Wish(NamedTuple):
    """A request for one, with nothing unusual about it."""

    target: Target
    headers: Mapping[bytes, bytes]

    def header(self, name: bytes) -> str | None:
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def signed(self) -> bool:
        return "sig" in self.target.query


class Answer(NamedTuple):
    status: int
    head: _Head
    body: bytes


class Direct:
    """Whether it may be seen is decided for every request anew, as of now, by the same policy."""

    def __init__(self, app: ASGIApp, parts: Parts, metrics: MetricsPage) -> None:
        self._app = app
        self._parts = parts
        self._metrics = metrics
        self._heads: dict[tuple[object, ...], _Head] = {}
        parts.forget.append(self._forget)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        wish = _wish(scope)
        answer = await self._answer(scope, wish) if wish else None
        if wish is None or answer is None:
            await self._app(scope, receive, send)
            return
        method = str(scope["method"])  # type: ignore[typeddict-item]  # HTTP only
        body = b"" if method == "HEAD" else answer.body
        self._metrics.answered(method, ROUTE, answer.status, time.perf_counter() - began)
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.head})
        await send({"type": "http.response.body", "body": body, "more_body": False})
        self._count(scope, wish, answer.status, len(body))

    def _forget(self, ids: Collection[UUID]) -> None:
        """A head holds a file's name. There is nothing in it that is not soon there again."""
        self._heads.clear()

    async def _answer(self, scope: Scope, wish: Wish) -> Answer | None:
        """None where it takes more than is at hand, or where nothing may be given."""
        try:
            exhibit = await self._parts.gallery.recalled(wish.target.image_id)
            self._metrics.looked_for("images", found=exhibit is not None)
            if exhibit is None or not self._allowed(scope, wish, exhibit):
                return None
        except Refusal:
            return None
        found = self._found(wish, exhibit)
        if found is None:
            return None
        count = await self._taken(scope)
        if count and not count.granted:
            return None
        told = [*found.head, (REQUEST, os.urandom(16).hex().encode())]
        return Answer(
            found.status, told + _encoded(entrance.limits(count) if count else {}), found.body
        )

    def _allowed(self, scope: Scope, wish: Wish, exhibit: Exhibit) -> bool:
        """Raises what `UrlSigner.verify` does."""
        if self._parts.allowances.spent(exhibit.card.owner_id):
            return False
        viewer, now = access.ANONYMOUS, self._parts.clock()
        if wish.signed:
            self._parts.signer.verify(scope["path"], wish.target.query, now)
            viewer = Viewer(signed=int(wish.target.query.get("epoch", 0)))
        return access.decide(viewer, Action.VIEW, exhibit.card.subject, now=now) is None

    def _found(self, wish: Wish, exhibit: Exhibit) -> Answer | None:
        card, format = exhibit.card, wish.target.format
        if format is None:
            if not (exhibit.print and exhibit.print.refined):
                return None  # it may have been developed or refined since
            format = renderings.negotiated(wish.header(b"accept") or "", exhibit)
        recipe = self._parts.lab.recipe
        sent = renderings.sent(card, recipe, wish.target.rung, format, asked=wish.target.format)
        none_match, since = wish.header(b"if-none-match"), wish.header(b"if-modified-since")
        if ranges.unchanged(sent.etag, card.created_at, none_match, since):
            return Answer(304, self._head(wish, exhibit, sent, None), b"")
        body = self._parts.printer.at_hand(card.id, wish.target.rung, format)
        self._metrics.looked_for("renderings", found=body is not None)
        if body is None:
            return None
        return Answer(200, self._head(wish, exhibit, sent, len(body)), body)

    def _head(self, wish: Wish, exhibit: Exhibit, sent: heads.Sent, size: int | None) -> _Head:
        card = exhibit.card
        version = wish.target.query.get("v", "")
        current = version == sent.version
        key = (wish.target.id, card.version, sent.etag, sent.vary, wish.signed, current, size)
        if key not in self._heads:
            if len(self._heads) >= MOST:
                self._heads.clear()
            asked = heads.Asked(id=wish.target.id, signed=wish.signed, version=version)
            told = heads.head(asked, card, sent)
            if size is not None:
                told |= {"Content-Type": sent.content_type, "Content-Length": str(size)}
            self._heads[key] = _encoded(told)
        return self._heads[key]

    async def _taken(self, scope: Scope) -> Count | None:
        """Last, so that what the framework answers in the end is not counted twice."""
        tolls = self._parts.tolls
        if tolls is None:
            return None
        try:
            return await tolls.limiter.take(
                tolls.limits.anonymous, client(scope, self._parts.proxies)
            )
        except Unavailable:
            return None

    def _count(self, scope: Scope, wish: Wish, status: int, egress: int) -> None:
        """As `api.viewing` does."""
        if self._parts.counter is None:
            return
        forwarded, agent = wish.headers.get(FORWARDED, b""), wish.headers.get(AGENT, b"")
        sight = Sight(
            image_id=wish.target.image_id,
            by=Visitor(peer=peer(scope), forwarded=forwarded, agent=agent),
            original=False,
            again=status == 304 or scope["method"] == "HEAD",  # type: ignore[typeddict-item]  # HTTP only
            egress=egress,
        )
        self._parts.counter.saw(sight)


def _wish(scope: Scope) -> Wish | None:
    if scope["type"] != ScopeType.HTTP or not scope["path"].startswith(PLACE):
        return None
    target = _target(scope["path"], scope["query_string"])
    if target is None or scope["method"] not in ("GET", "HEAD"):
        return None
    told = list(scope["headers"])
    headers = dict(told)
    if len(headers) != len(told) or not UNUSUAL.isdisjoint(headers):
        return None
    return Wish(target, headers)


@lru_cache(MOST)
def _target(path: str, query_string: bytes) -> Target | None:
    _, _, id, *rest = path.split("/")
    known = RENDERINGS.get(rest[0]) if len(rest) == 1 else None
    image_id, query = from_text("img", id), _query(query_string)
    if known is None or image_id is None or query is None:
        return None
    return Target(ImageId(image_id), id, *known, query)


def _query(text: bytes) -> Mapping[str, str] | None:
    """None for whatever is not a version alone, or not a signature."""
    if not text:
        return {}
    pairs = parse_qsl(text.decode("latin-1"), keep_blank_values=True)
    query = dict(pairs)
    usual = query.keys() == {"v"} or ("sig" in query and query.keys() <= SIGNED)
    return query if usual and len(query) == len(pairs) else None


def _encoded(headers: Mapping[str, str]) -> _Head:
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
