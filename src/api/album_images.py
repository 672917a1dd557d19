"""What is in an album: put in, taken out, listed in its order."""

from collections.abc import Sequence
from typing import Any

from litestar import Controller, Response, delete, get, put
from litestar.params import FromPath, JSONBody

from api import listing, problems
from api.album_bodies import Images
from api.album_views import visible_album
from api.identifiers import album_id, image_id
from api.identity import AnyRequest, Caller, MaybeCaller, album_viewer
from api.parts import Given, Parts
from api.waiting import written
from commands.albums import PlaceImage
from commands.ports import Receipt, StreamMoved
from domain.access import Action, Viewer
from domain.ids import AccountId
from domain.refusals import Conflict, Refusal


class AlbumImagesController(Controller):
    path = "/v1/albums/{id:str}/images"
    tags = ("albums",)

    @get(summary="Its images, as it has them arranged")
    async def listed(
        self, request: AnyRequest, id: FromPath[str], maybe_caller: MaybeCaller, parts: Given
    ) -> dict[str, Any]:
        """With every filter of the list of images; as much of it as one may see."""
        viewer = album_viewer(request, parts, maybe_caller, album_id(id))
        album = await visible_album(parts, viewer, id, Action.VIEW)
        return await listing.of_album(request, parts, viewer, album)

    @put(summary="Put images into an album, in this order")
    async def put_many(
        self, id: FromPath[str], data: JSONBody[Images], caller: Caller, parts: Given
    ) -> Response[dict[str, Any]]:
        await visible_album(parts, Viewer(account_id=caller), id, Action.ADD)
        return await _each(parts, caller, id, data.image_ids, out=False)

    @delete(status_code=200, summary="Take images out of an album")
    async def take_many(
        self, id: FromPath[str], data: JSONBody[Images], caller: Caller, parts: Given
    ) -> Response[dict[str, Any]]:
        await visible_album(parts, Viewer(account_id=caller), id, Action.VIEW)
        return await _each(parts, caller, id, data.image_ids, out=True)

    @put("/{image:str}", status_code=204, summary="Put an image into an album")
    async def put_one(
        self, id: FromPath[str], image: FromPath[str], caller: Caller, parts: Given
    ) -> Response[None]:
        receipt = await _placed(parts, caller, id, image, out=False)
        return Response(None, status_code=204, headers=await written(parts, receipt))

    @delete("/{image:str}", status_code=204, summary="Take an image out of an album")
    async def take_one(
        self, id: FromPath[str], image: FromPath[str], caller: Caller, parts: Given
    ) -> Response[None]:
        receipt = await _placed(parts, caller, id, image, out=True)
        return Response(None, status_code=204, headers=await written(parts, receipt))


async def _each(
    parts: Parts, caller: AccountId, id: str, images: Sequence[str], *, out: bool
) -> Response[dict[str, Any]]:
    """One after another: the order in which they come is the album's."""
    results, last = [], Receipt(version=0)
    for image in images:
        try:
            receipt = await _placed(parts, caller, id, image, out=out)
        except (Refusal, StreamMoved) as error:
            refusal = error if isinstance(error, Refusal) else Conflict()
            results.append({"imageId": image} | problems.item(refusal))
            continue
        changed = receipt.position is not None
        results.append({"imageId": image, "status": 200, "changed": changed})
        last = receipt if changed else last
    return Response({"results": results}, headers=await written(parts, last))


async def _placed(parts: Parts, caller: AccountId, id: str, image: str, *, out: bool) -> Receipt:
    command = PlaceImage(by=caller, album_id=album_id(id), image_id=image_id(image), out=out)
    receipt: Receipt = await parts.dispatch(command)
    return receipt
