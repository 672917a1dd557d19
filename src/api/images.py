"""One image: its details, and its life."""

import re
from datetime import timedelta
from typing import Any

from litestar import Controller, Response, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, UnsetType

from api import ranges, surroundings
from api.bodies import Describing
from api.identifiers import image_id
from api.identity import AnyRequest, Caller, MaybeCaller, held, viewer
from api.parts import Given, Parts
from api.pictures import Closing, Picture, etag, picture
from api.reading import details
from api.seeing import described, visible
from api.waiting import after_write, written
from commands.counts import Stats
from commands.images import ChangeImage, DeleteImage, RestoreImage
from commands.ports import Receipt
from domain.access import Action, Viewer, Visibility
from domain.ids import AccountId, ImageId
from domain.refusals import (
    PreconditionFailed,
)
from projections.explaining import closed
from projections.gallery import Card
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
            path = parts.signer.sign(path, epoch(card), now + timedelta(minutes=15), now).url
        headers = {"Location": parts.public_url + path, "Cache-Control": "no-store"}
        return Response(b"", status_code=302, headers=headers, media_type="text/plain")

    @get("/stats", summary="How often it was seen")
    async def stats(
        self, request: AnyRequest, id: FromPath[str], caller: Caller, parts: Given
    ) -> Stats:
        exhibit = await visible(request, parts, caller, id, Action.MANAGE)
        return await parts.tallies.stats(exhibit.card.id)


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


def epoch(card: Card) -> dict[str, str]:
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
