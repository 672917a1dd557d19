"""One image: its details, its life, who it is shared with."""

import re
from datetime import timedelta
from operator import itemgetter
from typing import Any

from litestar import Controller, Response, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, UnsetType

from api import ranges, share_links, surroundings
from api.bodies import Describing, NewShare, NewSignedUrl, details
from api.idempotency import Ids
from api.identity import (
    AnyRequest,
    Caller,
    MaybeCaller,
    held,
    image_id,
    viewer,
)
from api.parts import Given, Parts
from api.pictures import EXTENSIONS, Closing, Picture, etag, picture
from api.short_lists import short_list
from api.waiting import after_write, written
from commands.accounts import addressee
from commands.counts import Stats
from commands.images import ChangeImage, DeleteImage, RestoreImage, RevokeShare, Shared, ShareImage
from commands.ports import Receipt
from domain import access, preset, transform
from domain.access import Action, Share, Viewer, Visibility
from domain.ids import AccountId, ImageId, ShareId, from_text
from domain.media import Format, Rung
from domain.refusals import (
    ImageQuarantined,
    ImageTakenDown,
    NotFound,
    PreconditionFailed,
    Validation,
)
from projections.explaining import closed
from projections.gallery import Card, Exhibit
from projections.notices import reason


class ImageController(Controller):
    path = "/v1/images/{id:str}"
    tags = ("images",)

    @get(summary="An image's details")
    async def show(
        self, request: AnyRequest, id: FromPath[str], maybe_caller: MaybeCaller, parts: Given
    ) -> Response[Any]:
        exhibit = await described(request, parts, maybe_caller, id)
        asking = viewer(request, parts, maybe_caller, exhibit.card.id)
        exhibit = await surroundings.with_albums(parts, asking, exhibit)
        tag = etag(exhibit)
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if ranges.matches(tag, request.headers.get("If-None-Match")):
            return Response(b"", status_code=304, headers=headers, media_type="application/json")
        shown = picture(exhibit, parts.public_url, held(request))
        if exhibit.card.quarantined or exhibit.card.taken_down:
            shown.closed = await _closing(parts, exhibit.card.id)
        return Response(shown, headers=headers)

    @patch(summary="Change title, description, tags, visibility or custom fields")
    async def change(
        self,
        request: AnyRequest,
        id: FromPath[str],
        data: JSONBody[Describing],
        caller: Caller,
        parts: Given,
    ) -> Response[Picture]:
        image = image_id(id)
        command = ChangeImage(
            by=caller,
            image_id=image,
            details=details(data),
            visibility=data.visibility,
            expected=expected(request),
        )
        return await _changed(parts, await parts.dispatch(command), image, caller)

    @delete(status_code=200, summary="Put an image into the trash")
    async def remove(
        self, request: AnyRequest, id: FromPath[str], caller: Caller, parts: Given
    ) -> Response[dict[str, Any]]:
        image = image_id(id)
        command = DeleteImage(by=caller, image_id=image, expected=expected(request))
        receipt = await parts.dispatch(command)
        headers = await written(parts, receipt)
        exhibit = await after_write(parts, image)
        return Response(
            {
                "imageId": id,
                "status": "deleted",
                "deletedAt": exhibit.card.deleted_at,
                "purgeAt": exhibit.card.purge_after,
            },
            headers=headers,
        )

    @post("/restore", status_code=200, summary="Take an image out of the trash")
    async def restore(self, id: FromPath[str], caller: Caller, parts: Given) -> Response[Picture]:
        image = image_id(id)
        receipt = await parts.dispatch(RestoreImage(by=caller, image_id=image))
        return await _changed(parts, receipt, image, caller)

    @get("/file", status_code=302, summary="Where its bytes are")
    async def file(
        self, request: AnyRequest, id: FromPath[str], maybe_caller: MaybeCaller, parts: Given
    ) -> Response[bytes]:
        """Signed for its owner alone: what others hold goes with them, and ends when it ends."""
        card = (await visible(request, parts, maybe_caller, id, Action.VIEW)).card
        path, now = f"/images/{id}", parts.clock()
        if link := held(request):
            path += f"?{link}"
        elif maybe_caller == card.owner_id and not (
            card.visibility is Visibility.PUBLIC and card.cleared
        ):
            path = parts.signer.sign(path, _epoch(card), now + timedelta(minutes=15), now).url
        headers = {"Location": parts.public_url + path, "Cache-Control": "no-store"}
        return Response(b"", status_code=302, headers=headers, media_type="text/plain")

    @get("/stats", summary="How often it was seen")
    async def stats(
        self, request: AnyRequest, id: FromPath[str], caller: Caller, parts: Given
    ) -> Stats:
        exhibit = await visible(request, parts, caller, id, Action.MANAGE)
        return await parts.tallies.stats(exhibit.card.id)


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
        share_id = from_text("shr", share)
        if share_id is None:
            raise NotFound
        command = RevokeShare(by=caller, image_id=image_id(id), share_id=ShareId(share_id))
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
            raise Validation(errors=[{"field": "notBefore", "message": "is when it has expired"}])
        parameters = _epoch(card) | ({"download": "1"} if data.download else {})
        path = f"/images/{id}{_delivered(data)}"
        signed = parts.signer.sign(path, parameters, expires_at, now, data.not_before)
        return {"url": parts.public_url + signed.url, "expiresAt": signed.expires_at}


async def visible(
    request: AnyRequest, parts: Parts, caller: AccountId | None, id: str, action: Action
) -> Exhibit:
    """The image, if whoever asks may do `action` with it. Raises the policy's refusal."""
    image = image_id(id)
    exhibit = await parts.gallery.find(image)
    asking = viewer(request, parts, caller, image)
    subject = await surroundings.subject(parts, exhibit.card, asking, action) if exhibit else None
    access.require(asking, action, subject, now=parts.clock())
    if exhibit is None or exhibit.card.deleted_at:
        raise NotFound
    return exhibit


async def described(
    request: AnyRequest, parts: Parts, caller: AccountId | None, id: str
) -> Exhibit:
    """As `visible`; but of what is closed to everybody, its owner still sees what it was."""
    try:
        return await visible(request, parts, caller, id, Action.VIEW)
    except (ImageQuarantined, ImageTakenDown):
        return await visible(request, parts, caller, id, Action.MANAGE)


async def still_allowed(parts: Parts, viewer: Viewer, image: ImageId, action: Action) -> bool:
    """Whether what was allowed is so by now."""
    exhibit = await parts.gallery.find(image)
    subject = await surroundings.subject(parts, exhibit.card, viewer, action) if exhibit else None
    return access.decide(viewer, action, subject, now=parts.clock()) is None


async def _changed(
    parts: Parts, receipt: Receipt, image: ImageId, caller: AccountId
) -> Response[Picture]:
    headers = await written(parts, receipt)
    exhibit = await after_write(parts, image)
    exhibit = await surroundings.with_albums(parts, Viewer(account_id=caller), exhibit)
    headers["ETag"] = etag(exhibit)
    return Response(picture(exhibit, parts.public_url), headers=headers)


async def _closing(parts: Parts, image: ImageId) -> Closing | UnsetType:
    shut = closed(await parts.store.load(image))
    if shut is None:  # opened meanwhile
        return UNSET
    (event,) = shut.because
    return Closing(reason=shut.reason, explanation=reason(event.event), since=event.at)


def _epoch(card: Card) -> dict[str, str]:
    """What ends a signed URL before its time: making the image private again."""
    return {"epoch": str(card.epoch)}


def expected(request: AnyRequest) -> frozenset[int] | None:
    """The versions that If-Match names; what stands behind a dash says nothing of them."""
    header = request.headers.get("If-Match")
    if header is None or "*" in (tags := ranges.tags(header)):
        return None
    found = [re.fullmatch(r'"?([0-9]{1,9})(-[0-9a-z]+)*"?', tag) for tag in tags]
    versions = frozenset(int(version[1]) for version in found if version)
    if not versions:
        raise PreconditionFailed(expected=header[:100])
    return versions


def _delivered(data: NewSignedUrl) -> str:
    """The end of a path. Raises Validation for what no path delivers."""
    if data.transform is None:
        return _rendering("original" if data.variant is None else data.variant)
    if data.variant is not None:
        raise Validation(errors=[{"field": "transform", "message": "stands in place of a variant"}])
    ops, _, extension = data.transform.rpartition(".")
    if extension not in (*EXTENSIONS, "auto"):
        raise Validation(errors=[{"field": "transform", "message": "needs a format, like .webp"}])
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
        raise Validation(errors=[{"field": "variant", "message": "is not one of an image's"}])
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
        raise Validation(errors=[{"field": "sharedWith", "message": "is no account"}])
    return found
