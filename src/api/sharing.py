"""Lending an image: by links, and by URLs that are signed for a while."""

from datetime import timedelta
from operator import itemgetter
from typing import Any

from litestar import Controller, Response, delete, get, post
from litestar.params import FromPath, JSONBody

from api import share_links
from api.bodies import NewShare, NewSignedUrl
from api.idempotency import Ids
from api.identifiers import image_id, share_id
from api.identity import AnyRequest, Caller
from api.images import epoch
from api.parts import Given, Parts
from api.pictures import EXTENSIONS
from api.seeing import visible
from api.short_lists import short_list
from api.waiting import written
from commands.accounts import addressee
from commands.images import RevokeShare, Shared, ShareImage
from domain import preset, transform
from domain.access import Action, Share
from domain.ids import AccountId, ShareId, from_text
from domain.media import Format, Rung
from domain.refusals import (
    Validation,
)


class SharingController(Controller):
    path = "/v1/images/{id:str}"
    tags = ("sharing",)

    @post("/share", status_code=201, summary="Lend permissions by a link")
    async def share(
        self,
        id: FromPath[str],
        data: JSONBody[NewShare],
        caller: Caller,
        parts: Given,
        new_id: Ids,
    ) -> Response[dict[str, Any]]:
        image = image_id(id)
        person = await _person(parts, data.shared_with)
        shared: Shared = await parts.dispatch(
            ShareImage(
                by=caller,
                image_id=image,
                permissions=frozenset(data.permissions),
                expires_in=timedelta(seconds=data.expires_in),
                shared_with=person,
                password=data.password,
                share_id=ShareId(new_id()),
            )
        )
        headers = await written(parts, shared.receipt)
        share = Share(
            permissions=frozenset(data.permissions),
            expires_at=shared.expires_at,
            shared_with=person,
            locked=data.password is not None,
        )
        query = share_links.signed(parts, image, shared.share_id, share.expires_at)
        url = share_links.image_url(parts, image, query)
        body = share_links.made(parts, shared.share_id, share, url)
        headers |= {"Location": f"/v1/images/{id}/shares/{body['shareId']}"}
        return Response(body, status_code=201, headers=headers)

    @get("/shares", summary="The links of an image")
    async def shares(
        self, request: AnyRequest, id: FromPath[str], caller: Caller, parts: Given
    ) -> dict[str, Any]:
        card = (await visible(request, parts, caller, id, Action.MANAGE)).card
        rows = await share_links.listed(parts, card.id, card.shares)
        return short_list(request, "shares", rows, by=itemgetter("shareId"))

    @delete("/shares/{share:str}", status_code=204, summary="Revoke a link, at once")
    async def revoke(
        self, id: FromPath[str], share: FromPath[str], caller: Caller, parts: Given
    ) -> Response[None]:
        command = RevokeShare(by=caller, image_id=image_id(id), share_id=share_id(share))
        headers = await written(parts, await parts.dispatch(command))
        return Response(None, status_code=204, headers=headers)

    @post("/signed-url", status_code=200, summary="A URL that works without a login, for a while")
    async def signed_url(
        self,
        request: AnyRequest,
        id: FromPath[str],
        data: JSONBody[NewSignedUrl],
        caller: Caller,
        parts: Given,
    ) -> dict[str, Any]:
        card = (await visible(request, parts, caller, id, Action.MANAGE)).card
        now = parts.clock()
        expires_at = now + timedelta(seconds=data.expires_in)
        if data.not_before and data.not_before >= expires_at:
            raise Validation.of("notBefore", "is when it has expired")
        parameters = epoch(card) | ({"download": "1"} if data.download else {})
        path = f"/images/{id}{_delivered(data)}"
        signed = parts.signer.sign(path, parameters, expires_at, now, data.not_before)
        return {"url": parts.public_url + signed.url, "expiresAt": signed.expires_at}


def _delivered(data: NewSignedUrl) -> str:
    """The end of a path. Raises Validation for what no path delivers."""
    if data.transform is None:
        return _rendering("original" if data.variant is None else data.variant)
    if data.variant is not None:
        raise Validation.of("transform", "stands in place of a variant")
    ops, _, extension = data.transform.rpartition(".")
    if extension not in (*EXTENSIONS, "auto"):
        raise Validation.of("transform", "needs a format, like .webp")
    if ops.startswith(preset.PREFIX):
        return f"/t/{ops}.{extension}"
    return f"/t/{transform.parse(ops).text}.{extension}"


def _rendering(variant: str) -> str:
    """The end of its path. Raises Validation for what no path delivers."""
    if variant == "original":
        return ""
    name, _, extension = variant.partition(".")
    known = {*EXTENSIONS, "auto", *([Format.HEIC] if name == "original" else [])}
    if name not in ("original", *Rung) or (extension or "webp") not in known:
        raise Validation.of("variant", "is not one of an image's")
    return f"/{name}.{extension or 'webp'}"


async def _person(parts: Parts, named: str | None) -> AccountId | None:
    """The account of an id or an e-mail address. Raises Validation if there is none."""
    if named is None:
        return None
    if "@" in named:
        found = await addressee(
            named, store=parts.store, hasher=parts.hasher, confirmed=parts.confirmed
        )
    else:
        asked = from_text("u", named)
        profile = await parts.accounts.find(AccountId(asked)) if asked else None
        found = profile.id if profile else None
    if found is None:
        raise Validation.of("sharedWith", "is no account")
    return found
