"""Lists and search: what is asked for, within what the asker may list."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import EnumType
from typing import Any, TypeVar

import msgspec
from litestar import Response, get
from litestar.params import FromPath
from msgspec.structs import replace

from api.identity import AnyRequest, MaybeCaller, account_id, album_id, held
from api.parts import Given, Parts
from api.pictures import picture
from api.surroundings import listable
from domain import access
from domain.access import Action, Viewer, Visibility
from domain.ids import AccountId, from_text
from domain.media import Format
from domain.refusals import Unauthenticated, Validation
from projections.albums import Binder
from projections.gallery import Period, Query, Sort
from projections.search import NAME as SEARCH

T = TypeVar("T")
D = TypeVar("D", int, None)

MAX_LIMIT, MAX_PAGE = 100, 10_000
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
    body = {
        "images": [
            msgspec.to_builtins(picture(shown[hit.exhibit.card.id], parts.public_url))
            | {"highlights": hit.highlights}
            for hit in hits
        ],
        "facets": found.facets,
        "page": page,
        "limit": limit,
        "total": found.total,
        "totalExact": found.exact,
        "nextCursor": next_leaf(limit, page, found.total),
    }
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
        raise Validation(errors=[{"field": "sort", "message": "is for albums"}])
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
    return {
        "images": [picture(exhibit, parts.public_url, link) for exhibit in shown],
        "page": query.page,
        "limit": query.limit,
        "total": page.total,
        "nextCursor": page.next_cursor,
    }


async def _no_staler_than_listing(parts: Parts) -> None:
    """A writer whose answer came finds its write: the index waits for what the lists show."""
    await parts.positions.reached(parts.positions.current("gallery"), frozenset({SEARCH}))


def _query(asked: "Asked", viewer: Viewer, *, sort: Sort = Sort.NEWEST) -> Query:
    """Whatever is wrong is noted, for `asked.check` to raise."""
    since, until = asked.span("from", "to", _moment)
    taken_since, taken_until = asked.span("takenFrom", "takenTo", _second)
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


def paging(asked: "Asked") -> dict[str, Any]:
    return {
        "limit": asked.number("limit", 20, MAX_LIMIT),
        "page": asked.number("page", 1, MAX_PAGE),
        "cursor": asked.text("cursor", 1_000),
    }


def leaf(asked: "Asked") -> tuple[int, int]:
    """Limit and page, where a cursor is nothing but the next page."""
    limit, page = asked.number("limit", 20, MAX_LIMIT), asked.number("page", 1, MAX_PAGE)
    return limit, asked.one("cursor", _leaf) or page


def next_leaf(limit: int, page: int, total: int) -> str | None:
    return str(page + 1) if page * limit < total and page < MAX_PAGE else None


def _leaf(text: str) -> int:
    if not 1 <= (page := _whole(text)) <= MAX_PAGE:
        raise ValueError
    return page


def _yes(text: str) -> bool:
    return {"true": True, "false": False}[text]


def _deleted(text: str) -> bool:
    return {"deleted": True, "ready": False, "processing": False}[text]


class Asked:
    """The query string, read field by field; `check` raises Validation with all that is wrong."""

    def __init__(self, request: AnyRequest) -> None:
        self._values = request.query_params
        self._errors: list[dict[str, str]] = []

    def all(self, name: str) -> list[str]:
        return [_clean(value) for value in self._values.getall(name, [])]

    def text(self, name: str, longest: int) -> str | None:
        value = self._values.get(name)
        if value and len(value) > longest:
            self._wrong(name, f"is longer than {longest} characters")
        return _clean(value) if value else None

    def one(self, name: str, parse: Callable[[str], T] | Mapping[str, T]) -> T | None:
        """By what it means, or by the words that it may be and what they mean."""
        value = self._values.get(name)
        if value in (None, ""):
            return None
        try:
            return parse[value] if isinstance(parse, Mapping) else parse(value)
        except (ValueError, KeyError, OverflowError):
            self._wrong(name, _expected(parse))
            return None

    def number(self, name: str, default: D, most: int, *, least: int = 1) -> int | D:
        value = self.one(name, _whole)
        if value is None:
            return default
        if not least <= value <= most:
            self._wrong(name, f"must be between {least} and {most}")
        return value

    def moment(self, name: str) -> datetime | None:
        """RFC 3339, in UTC where it names no zone; a bare date is its first moment."""
        return self.one(name, _moment)

    def span(
        self, first: str, last: str, parse: Callable[[str], datetime]
    ) -> tuple[datetime | None, datetime | None]:
        """From the one to before the other: nothing, if they are the same."""
        since, until = self.one(first, parse), self.one(last, parse)
        if since and until and until < since:
            self._wrong(last, f"must not be before {first}")
        return since, until

    def flag(self, name: str) -> bool:
        return self.one(name, _yes) or False

    def owner(self) -> AccountId | None:
        """Of what is listed: a user, or an organization."""
        return self.one("user", _account) or self.one("org", _organization)

    def custom(self) -> dict[str, str]:
        return {
            _clean(name.removeprefix("custom.")): _clean(value)
            for name, value in self._values.multi_items()
            if name.startswith("custom.")
        }

    def check(self) -> None:
        if self._errors:
            raise Validation(errors=self._errors)

    def _wrong(self, field: str, message: str) -> None:
        self._errors.append({"field": field, "message": message})


def _expected(parse: object) -> str:
    """What a value must be, in words that help."""
    if isinstance(parse, Mapping | EnumType):
        return f"must be one of {', '.join(parse)}"
    if parse is _whole:
        return "must be a whole number"
    if parse in (_moment, _second):
        return "must be a date, or a time like 2026-01-31T12:00:00Z"
    return "is not one of the possible values"


def _clean(text: str) -> str:
    """As it would have been stored; Postgres holds no NUL, so nothing that has one can be found."""
    return unicodedata.normalize("NFC", text).replace("\0", "\N{REPLACEMENT CHARACTER}")


def _whole(text: str) -> int:
    if not re.fullmatch("-?[0-9]+", text):
        raise ValueError
    return int(text)


def _moment(text: str) -> datetime:
    full = f"{text}T00:00:00Z" if len(text) == len("2026-01-31") else text.replace(" ", "+")
    moment = msgspec.convert(full, datetime)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _second(text: str) -> datetime:
    """The first that does not end before the moment: cameras know whole ones."""
    moment = _moment(text).astimezone(UTC)
    return (moment + timedelta(microseconds=999_999)).replace(microsecond=0)


def _period(text: str) -> Period | None:
    return None if text == "all" else Period(text)


def _account(text: str) -> AccountId:
    found = from_text("u", text)
    if found is None:
        raise ValueError
    return AccountId(found)


def _organization(text: str) -> AccountId:
    found = from_text("org", text)
    if found is None:
        raise ValueError
    return AccountId(found)
