"""Taking away: all of an account, or what is in an album, as one ZIP."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Response, route
from litestar.enums import HttpMethod
from litestar.params import FromPath

from api import surroundings
from api.accounts import profile
from api.album_views import shown, visible_album
from api.archives import PAGE, Documents, Originals, admit, answer
from api.clients import client
from api.file_names import Names
from api.history import shown as told
from api.identifiers import album_id
from api.identity import AnyRequest, Caller, MaybeCaller, album_viewer
from api.parts import Given, Parts
from api.pictures import picture
from api.zipping import Archive, Entry
from domain import access
from domain.access import Action, Viewer
from domain.ids import AccountId, to_text
from projections import accounts, gallery
from projections.albums import AlbumQuery, Binder
from projections.gallery import Exhibit, Query, Sort
from projections.history import steps

READ = [HttpMethod.GET, HttpMethod.HEAD]
_ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)
"""The time of documents: one that moved would make another archive of the same things."""


@route("/v1/me/export", http_method=READ, tags=["account"], summary="Everything that is yours")
async def of_account(request: AnyRequest, caller: Caller, parts: Given) -> Response[Any]:
    """A ZIP of originals, and of what is known of them as JSON; the trash is in it.

    It can be resumed by ranges as long as nothing in it has changed (If-Range with its ETag).
    """
    await admit(parts, caller.hex)
    documents, viewer = Documents(parts), Viewer(account_id=caller)
    originals = Originals(request, parts, viewer, Action.MANAGE)
    history = await parts.store.load(caller)
    events = [told(it) for it in steps(accounts.project, history)]
    entries = [
        documents.entry("account.json", await profile(parts, caller), _ALWAYS),
        documents.entry("history.json", {"events": events}, _ALWAYS),
        documents.entry("albums.json", {"albums": await _albums(parts, viewer)}, _ALWAYS),
    ]
    for folder, deleted in (("images", False), ("trash", True)):
        query = Query(viewer=viewer, owner=caller, deleted=deleted, sort=Sort.OLDEST)
        names = Names()
        async for page in _pages(parts, query):
            allowed = await _allowed(parts, viewer, Action.MANAGE, page)
            entries += await _own(parts, originals, documents, allowed, folder, names)
    return answer(request, parts, Archive(entries), "darkroom.zip")


@route(
    "/v1/albums/{id:str}/zip",
    http_method=READ,
    tags=["albums"],
    summary="The originals in an album, as one file",
)
async def of_album(
    request: AnyRequest, id: FromPath[str], maybe_caller: MaybeCaller, parts: Given
) -> Response[Any]:
    """As many as the caller may download, in the album's order."""
    viewer = album_viewer(request, parts, maybe_caller, album_id(id))
    album = await visible_album(parts, viewer, id, Action.VIEW)
    await admit(parts, _key(request, parts, maybe_caller))
    originals = Originals(request, parts, viewer, Action.DOWNLOAD)
    entries, names = list[Entry](), Names()
    async for page in _pages(parts, _inside(parts, viewer, album)):
        allowed = await _allowed(parts, viewer, Action.DOWNLOAD, page)
        traits = await parts.prints.traits([it.card.id for it in allowed])
        for exhibit in allowed:
            name = _name(exhibit, names)
            entry = await originals.entry(exhibit, name, traits.get(exhibit.card.id))
            entries += [entry] if entry else []
    stem = Names().new(album.card.title or "album", "zip")
    plain = stem.encode("ascii", "ignore").decode().replace('"', "") or "album.zip"
    return answer(request, parts, Archive(entries), plain)


async def _own(
    parts: Parts,
    originals: Originals,
    documents: Documents,
    page: Sequence[Exhibit],
    folder: str,
    names: Names,
) -> list[Entry]:
    """Each image beside what is known of it."""
    ids = [it.card.id for it in page]
    traits, metadata = await parts.prints.traits(ids), await parts.prints.metadata_of(ids)
    histories = await parts.histories.of(ids)
    entries = list[Entry]()
    for exhibit in page:
        id, name = exhibit.card.id, f"{folder}/{_name(exhibit, names)}"
        entry = await originals.entry(exhibit, name, traits.get(id))
        entries += [entry] if entry else []
        document = _document(parts, exhibit) | {
            "metadata": metadata.get(id),
            "history": [told(it) for it in steps(gallery.project, histories.get(id, ()))],
        }
        entries.append(documents.entry(f"{name}.json", document, exhibit.card.updated_at))
    return entries


def _document(parts: Parts, exhibit: Exhibit) -> dict[str, Any]:
    """Without its views: they would make another archive of the same things."""
    document: dict[str, Any] = msgspec.to_builtins(picture(exhibit, parts.public_url))
    del document["views"]
    return document


def _name(exhibit: Exhibit, names: Names) -> str:
    card = exhibit.card
    assert card.format is not None
    return names.new(card.filename, card.format.extension)


async def _pages(parts: Parts, query: Query) -> AsyncIterator[Sequence[Exhibit]]:
    cursor = None
    while True:
        page = await parts.gallery.list(msgspec.structs.replace(query, limit=PAGE, cursor=cursor))
        yield page.exhibits
        cursor = page.next_cursor
        if cursor is None:
            return


async def _albums(parts: Parts, viewer: Viewer) -> list[dict[str, Any]]:
    """One's own, with which images are in them, in their order."""
    found, cursor = list[dict[str, Any]](), None
    while True:
        query = AlbumQuery(viewer=viewer, owner=viewer.account_id, limit=PAGE, cursor=cursor)
        page = await parts.albums.list(query)
        cards = [binder.card for binder in page.binders]
        for binder, album in zip(page.binders, await shown(parts, viewer, cards), strict=True):
            inside = _inside(parts, viewer, binder)
            ids = [it.card.id async for some in _pages(parts, inside) for it in some]
            found.append(album | {"imageIds": [to_text("img", it) for it in ids]})
        cursor = page.next_cursor
        if cursor is None:
            return found


def _inside(parts: Parts, viewer: Viewer, album: Binder) -> Query:
    lent = access.lends(album.circle, viewer, Action.LIST, now=parts.clock())
    card = album.card
    return Query(
        viewer=viewer, album=card.id, arranged=card.arranged, lent=lent, sort=Sort.ARRANGED
    )


async def _allowed(
    parts: Parts, viewer: Viewer, action: Action, page: Sequence[Exhibit]
) -> Sequence[Exhibit]:
    around, now = await surroundings.known(parts, [it.card for it in page]), parts.clock()
    return [
        it for it in page if access.decide(viewer, action, around.subject(it.card), now=now) is None
    ]


def _key(request: AnyRequest, parts: Parts, caller: AccountId | None) -> str:
    return caller.hex if caller else client(request.scope, parts.proxies)
