"""Albums: their titles, their order, who they are lent to."""

from typing import Any

import msgspec
from litestar import Controller, Response, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody

from api.album_bodies import AlbumChanges, Arrangement, NewAlbum, text
from api.album_views import etag, shown, visible_album
from api.asking import Asked, page_of, paging
from api.idempotency import Ids
from api.identifiers import album_id, image_id, team_id
from api.identity import AnyRequest, Caller, MaybeCaller, album_viewer
from api.images import expected
from api.org_views import organization_of
from api.parts import Given, Parts
from api.waiting import ALBUMS, written
from commands.albums import (
    ArrangeAlbum,
    ChangeAlbum,
    CreateAlbum,
    DeleteAlbum,
)
from domain import access
from domain.access import Action, Viewer
from domain.ids import AccountId, AlbumId, to_text
from domain.refusals import NotFound, Unauthenticated
from projections.albums import AlbumQuery
from projections.gallery import Sort

SORTS = {"newest": Sort.NEWEST, "oldest": Sort.OLDEST, "title": Sort.TITLE}


class AlbumController(Controller):
    path = "/v1/albums"
    tags = ("albums",)

    @post(summary="Make an album")
    async def create(
        self, data: JSONBody[NewAlbum], caller: Caller, parts: Given, new_id: Ids
    ) -> Response[dict[str, Any]]:
        team = team_id(data.team_id) if data.team_id else None
        command = CreateAlbum(
            by=caller,
            album_id=AlbumId(new_id()),
            text=text(data.title, data.description),
            visibility=data.visibility,
            parent_id=album_id(data.parent_id) if data.parent_id else None,
            team_id=team,
            organization_id=await organization_of(parts, caller, team) if team else None,
        )
        headers = await written(parts, await parts.dispatch(command), ALBUMS)
        body, tag = await _as_written(parts, caller, command.album_id)
        headers |= {"ETag": tag, "Location": f"/v1/albums/{body['albumId']}"}
        return Response(body, status_code=201, headers=headers)

    @get(summary="Albums that may be found: one's own, those lent, and public ones")
    async def listed(
        self, request: AnyRequest, maybe_caller: MaybeCaller, parts: Given
    ) -> dict[str, Any]:
        asked, viewer = Asked(request), Viewer(account_id=maybe_caller)
        query = AlbumQuery(
            viewer=viewer,
            owner=asked.owner(),
            parent=asked.id("parent", "alb", AlbumId),
            shared=asked.flag("shared"),
            sort=asked.one("sort", SORTS) or Sort.NEWEST,
            **paging(asked),
        )
        asked.check()
        if query.shared and maybe_caller is None:
            raise Unauthenticated
        page = await parts.albums.list(query)
        now = parts.clock()
        cards = [
            it.card
            for it in page.binders
            if access.decide_on_album(viewer, Action.LIST, it.circle, now=now) is None
        ]
        return page_of(
            "albums",
            await shown(parts, viewer, cards),
            limit=query.limit,
            page=query.page,
            total=page.total,
            following=page.next_cursor,
        )

    @get("/{id:str}", summary="An album")
    async def show(
        self, request: AnyRequest, id: FromPath[str], maybe_caller: MaybeCaller, parts: Given
    ) -> Response[dict[str, Any]]:
        viewer = album_viewer(request, parts, maybe_caller, album_id(id))
        binder = await visible_album(parts, viewer, id, Action.VIEW)
        card = binder.card
        lent = access.lends(binder.circle, viewer, Action.LIST, now=parts.clock())
        (body,) = await shown(parts, viewer, [card], lent=lent)
        return Response(body, headers={"ETag": etag(card), "Cache-Control": "private, no-cache"})

    @patch("/{id:str}", summary="Change title, description, visibility or cover")
    async def change(
        self,
        request: AnyRequest,
        id: FromPath[str],
        data: JSONBody[AlbumChanges],
        caller: Caller,
        parts: Given,
    ) -> Response[dict[str, Any]]:
        """An album's visibility says who finds the album; its images keep their own."""
        cover = data.cover_id
        command = ChangeAlbum(
            by=caller,
            album_id=album_id(id),
            text=text(data.title, data.description),
            visibility=data.visibility,
            cover_id=image_id(cover) if isinstance(cover, str) else None,
            cover=cover is not msgspec.UNSET,
            expected=expected(request),
        )
        headers = await written(parts, await parts.dispatch(command), ALBUMS)
        body, tag = await _as_written(parts, caller, command.album_id)
        return Response(body, headers=headers | {"ETag": tag})

    @delete("/{id:str}", status_code=204, summary="Delete an album, and none of its images")
    async def remove(
        self, request: AnyRequest, id: FromPath[str], caller: Caller, parts: Given
    ) -> Response[None]:
        command = DeleteAlbum(by=caller, album_id=album_id(id), expected=expected(request))
        headers = await written(parts, await parts.dispatch(command), ALBUMS)
        return Response(None, status_code=204, headers=headers)

    @put("/{id:str}/order", summary="Which of its images come first, and in which order")
    async def arrange(
        self, id: FromPath[str], data: JSONBody[Arrangement], caller: Caller, parts: Given
    ) -> Response[dict[str, Any]]:
        ids = tuple(dict.fromkeys(image_id(it) for it in data.image_ids))
        command = ArrangeAlbum(by=caller, album_id=album_id(id), image_ids=ids)
        headers = await written(parts, await parts.dispatch(command), ALBUMS)
        return Response({"imageIds": [to_text("img", it) for it in ids]}, headers=headers)


async def _as_written(parts: Parts, caller: AccountId, id: AlbumId) -> tuple[dict[str, Any], str]:
    binder = await parts.albums.find(id)
    if binder is None:
        raise NotFound
    (body,) = await shown(parts, Viewer(account_id=caller), [binder.card])
    return body, etag(binder.card)
