"""Lists and search: what is asked for, within what the asker may list."""

from typing import Any

import msgspec
from litestar import Response, get
from litestar.params import FromPath
from msgspec.structs import replace

from api.asking import Asked, leaf, next_leaf, page_of, paging, read_moment, read_second
from api.identifiers import account_id, album_id
from api.identity import AnyRequest, MaybeCaller, held
from api.parts import Given, Parts
from api.pictures import picture
from api.surroundings import listable
from domain import access
from domain.access import Action, Viewer, Visibility
from domain.ids import AccountId
from domain.media import Format
from domain.refusals import Unauthenticated, Validation
from projections.albums import Binder
from projections.gallery import Period, Query, Sort
from projections.search import NAME as SEARCH

WIDEST = 2**31 - 1
"""Pixels: no format holds more."""


@get(["/v1/images", "/images"], tags=["listing"], summary="Images, filtered and sorted")
async def images(request: AnyRequest, maybe_caller: MaybeCaller, parts: Given) -> dict[str, Any]:
    return await _listed(request, maybe_caller, parts)


@get("/v1/users/{id:str}/images", tags=["listing"], summary="Images of one user")
async def images_of(
    request: AnyRequest, id: FromPath[str], maybe_caller: MaybeCaller, parts: Given
) -> dict[str, Any]:
    return await _listed(request, maybe_caller, parts, owner=account_id(id))


@get("/v1/search", tags=["listing"], summary="Full text, best first")
async def search(
    request: AnyRequest, maybe_caller: MaybeCaller, parts: Given
) -> Response[dict[str, Any]]:
    """`Darkroom-Search` says who found it; `; fallback` in place of another, which is down.

    Where `totalExact` is false, `total` and `facets` are those of the newest matches only.
    """
    asked = Asked(request)
    text = asked.text("q", 500) or ""
    limit, page = leaf(asked)
    asked.check()
    await _no_staler_than_listing(parts)
    viewer = Viewer(account_id=maybe_caller)
    found = await parts.search.find(text, viewer=viewer, limit=limit, page=page)
    known = await listable(parts, viewer, [hit.exhibit for hit in found.hits])
    shown = {exhibit.card.id: exhibit for exhibit in known}
    hits = [hit for hit in found.hits if hit.exhibit.card.id in shown]
    rows = [
        msgspec.to_builtins(picture(shown[hit.exhibit.card.id], parts.public_url))
        | {"highlights": hit.highlights}
        for hit in hits
    ]
    following = next_leaf(limit, page, found.total)
    body = page_of(
        "images", rows, limit=limit, page=page, total=found.total, following=following
    ) | {"facets": found.facets, "totalExact": found.exact}
    engine = f"{found.engine}; fallback" if found.fallback else found.engine
    return Response(body, headers={"Darkroom-Search": engine})


async def _listed(
    request: AnyRequest, caller: AccountId | None, parts: Parts, owner: AccountId | None = None
) -> dict[str, Any]:
    asked = Asked(request)
    query = _query(asked, Viewer(account_id=caller))
    within = asked.one("album", album_id)
    asked.check()
    if within:
        query = await _within(parts, query, await parts.albums.find(within))
    if query.sort is Sort.ARRANGED and not within:
        raise Validation.of("sort", "is for albums")
    return await _page(parts, replace(query, owner=owner) if owner else query)


async def of_album(
    request: AnyRequest, parts: Parts, viewer: Viewer, album: Binder
) -> dict[str, Any]:
    """For who may see the album."""
    asked = Asked(request)
    query = _query(asked, viewer, sort=Sort.ARRANGED)
    asked.check()
    within = await _within(parts, query, album)
    return await _page(parts, within, link=held(request, album.card.id))


async def _within(parts: Parts, query: Query, album: Binder | None) -> Query:
    """Raises NotFound for an album that the viewer may not see."""
    now, circle = parts.clock(), album.circle if album else None
    access.require_on_album(query.viewer, Action.VIEW, circle, now=now)
    assert album is not None
    lent = access.lends(album.circle, query.viewer, Action.LIST, now=now)
    return replace(query, album=album.card.id, arranged=album.card.arranged, lent=lent)


async def _page(parts: Parts, query: Query, *, link: str = "") -> dict[str, Any]:
    if query.text:
        await _no_staler_than_listing(parts)
    page = await parts.gallery.list(query)
    shown = await listable(parts, query.viewer, page.exhibits)
    return page_of(
        "images",
        [picture(exhibit, parts.public_url, link) for exhibit in shown],
        limit=query.limit,
        page=query.page,
        total=page.total,
        following=page.next_cursor,
    )


async def _no_staler_than_listing(parts: Parts) -> None:
    """A writer whose answer came finds its write: the index waits for what the lists show."""
    await parts.positions.reached(parts.positions.current("gallery"), frozenset({SEARCH}))


def _query(asked: Asked, viewer: Viewer, *, sort: Sort = Sort.NEWEST) -> Query:
    """Whatever is wrong is noted, for `asked.check` to raise."""
    since, until = asked.span("from", "to", read_moment)
    taken_since, taken_until = asked.span("takenFrom", "takenTo", read_second)
    query = Query(
        viewer=viewer,
        owner=asked.owner(),
        tags=[tag for value in asked.all("tag") if (tag := value.strip())],
        text=asked.text("q", 500),
        since=since,
        until=until,
        taken_since=taken_since,
        taken_until=taken_until,
        format=asked.one("format", lambda text: Format({"jpg": "jpeg"}.get(text, text))),
        visibility=asked.one("visibility", Visibility),
        shared=asked.flag("shared"),
        deleted=asked.one("status", _deleted) or False,
        min_width=asked.number("minWidth", None, WIDEST, least=0),
        custom=asked.custom(),
        sort=asked.one("sort", Sort) or sort,
        period=asked.one("period", _period),
        **paging(asked),
    )
    if (query.deleted or query.shared) and viewer.account_id is None:
        raise Unauthenticated
    return query


def _deleted(text: str) -> bool:
    return {"deleted": True, "ready": False, "processing": False}[text]


def _period(text: str) -> Period | None:
    return None if text == "all" else Period(text)
