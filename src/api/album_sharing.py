"""Whom an album is lent to: by a link, or by name."""

from datetime import timedelta
from operator import itemgetter
from typing import Any

from litestar import Controller, Response, delete, get, post, put
from litestar.params import FromPath, JSONBody

from api import share_links
from api.album_bodies import NewAlbumShare
from api.album_views import visible_album
from api.bodies import NewCollaborator
from api.idempotency import Ids
from api.identifiers import account_id, album_id, share_id
from api.identity import AnyRequest, Caller
from api.parts import Given
from api.short_lists import short_list
from api.waiting import ALBUMS, written
from commands.albums import LendAlbum, RevokeAlbumShare, ShareAlbum, TakeAlbumBack
from domain.access import Action, Share, Viewer
from domain.ids import ShareId, to_text
from domain.refusals import NotFound


class AlbumSharingController(Controller):
    path = "/v1/albums/{id:str}"
    tags = ("albums",)

    @post("/share", status_code=201, summary="Lend an album with all of its images by a link")
    async def share(
        self,
        id: FromPath[str],
        data: JSONBody[NewAlbumShare],
        caller: Caller,
        parts: Given,
        new_id: Ids,
    ) -> Response[dict[str, Any]]:
        command = ShareAlbum(
            by=caller,
            album_id=album_id(id),
            share_id=ShareId(new_id()),
            permissions=frozenset(data.permissions),
            expires_in=timedelta(seconds=data.expires_in),
            password=data.password,
        )
        shared = await parts.dispatch(command)
        headers = await written(parts, shared.receipt, ALBUMS)
        share = Share(
            permissions=command.permissions,
            expires_at=shared.expires_at,
            locked=data.password is not None,
        )
        query = share_links.signed(parts, command.album_id, command.share_id, share.expires_at)
        url = share_links.album_url(parts, command.album_id, query)
        body = share_links.made(parts, command.share_id, share, url)
        headers |= {"Location": f"/v1/albums/{id}/shares/{body['shareId']}"}
        return Response(body, status_code=201, headers=headers)

    @get("/shares", summary="The links of an album")
    async def shares(
        self, request: AnyRequest, id: FromPath[str], caller: Caller, parts: Given
    ) -> dict[str, Any]:
        card = (await visible_album(parts, Viewer(account_id=caller), id, Action.MANAGE)).card
        rows = await share_links.listed(parts, card.id, card.shares)
        return short_list(request, "shares", rows, by=itemgetter("shareId"))

    @delete("/shares/{share:str}", status_code=204, summary="Revoke a link, at once")
    async def revoke(
        self, id: FromPath[str], share: FromPath[str], caller: Caller, parts: Given
    ) -> Response[None]:
        command = RevokeAlbumShare(by=caller, album_id=album_id(id), share_id=share_id(share))
        headers = await written(parts, await parts.dispatch(command), ALBUMS)
        return Response(None, status_code=204, headers=headers)

    @get("/collaborators", summary="Whom an album is lent to by name")
    async def collaborators(
        self, request: AnyRequest, id: FromPath[str], caller: Caller, parts: Given
    ) -> dict[str, Any]:
        card = (await visible_album(parts, Viewer(account_id=caller), id, Action.MANAGE)).card
        rows = [
            {"userId": to_text("u", account), "permissions": sorted(permissions)}
            for account, permissions in card.collaborators.items()
        ]
        return short_list(request, "collaborators", rows, by=itemgetter("userId"))

    @put("/collaborators/{user:str}", summary="Lend an album with all of its images to somebody")
    async def lend(
        self,
        id: FromPath[str],
        user: FromPath[str],
        data: JSONBody[NewCollaborator],
        caller: Caller,
        parts: Given,
    ) -> Response[dict[str, Any]]:
        await visible_album(parts, Viewer(account_id=caller), id, Action.MANAGE)
        whom, permissions = account_id(user), frozenset(data.permissions)
        if await parts.accounts.find(whom) is None:
            raise NotFound
        command = LendAlbum(
            by=caller, album_id=album_id(id), account_id=whom, permissions=permissions
        )
        headers = await written(parts, await parts.dispatch(command), ALBUMS)
        return Response({"userId": user, "permissions": sorted(permissions)}, headers=headers)

    @delete(
        "/collaborators/{user:str}", status_code=204, summary="Take an album back, or give it back"
    )
    async def take_back(
        self, id: FromPath[str], user: FromPath[str], caller: Caller, parts: Given
    ) -> Response[None]:
        command = TakeAlbumBack(by=caller, album_id=album_id(id), account_id=account_id(user))
        headers = await written(parts, await parts.dispatch(command), ALBUMS)
        return Response(None, status_code=204, headers=headers)
