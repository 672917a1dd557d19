"""Purging an image, erasing an account, and the receipts that say what was removed where."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from api.idempotency import Ids
from api.identifiers import id_of, image_id
from api.identity import Bearing, Caller
from api.parts import Given, Parts
from api.seeing import overseen
from api.waiting import written
from commands.erasure import Erasure, Kind, Ordered, PurgeImage, receipt_id
from domain.ids import to_text
from domain.refusals import NotFound


class PurgingController(Controller):
    path = "/v1/images/{id:str}"
    tags = ("images",)

    @post("/purge", status_code=202, summary="Destroy an image for good")
    async def purge(
        self, id: FromPath[str], caller: Caller, parts: Given, new_id: Ids
    ) -> Response[dict[str, Any]]:
        command = PurgeImage(by=caller, image_id=image_id(id), request=new_id())
        return await accepted(parts, await parts.dispatch(command))

    @get("/purge-receipt", summary="What was removed where, for its owner and administrators")
    async def receipt(
        self, id: FromPath[str], bearer: Bearing, parts: Given
    ) -> Response[dict[str, Any]]:
        asked = image_id(id)
        await overseen(parts, asked, bearer)
        return _receipt(await parts.erasures.find(receipt_id(asked, parts.hasher)))


@get("/v1/receipts/{id:str}", tags=["images"], summary="What an erasure removed where")
async def receipt(id: FromPath[str], parts: Given) -> Response[dict[str, Any]]:
    """Whoever knows the URL may look: there is no login any more that could be asked for."""
    return _receipt(await parts.erasures.find(id_of("rcp", id)))


async def accepted(parts: Parts, ordered: Ordered) -> Response[dict[str, Any]]:
    headers = await written(parts, ordered.receipt)
    url = f"{parts.public_url}/v1/receipts/{to_text('rcp', ordered.receipt_id)}"
    return Response({"receiptUrl": url}, status_code=202, headers=headers | {"Location": url})


_NAMES = {
    Kind.IMAGE: ("imageId", "img"),
    Kind.ACCOUNT: ("userId", "u"),
    Kind.ALBUM: ("albumId", "alb"),
    Kind.ORGANIZATION: ("orgId", "org"),
    Kind.REPORT: ("reportId", "rep"),
}


def _receipt(erasure: Erasure | None) -> Response[dict[str, Any]]:
    if erasure is None:
        raise NotFound
    name, prefix = _NAMES[erasure.kind]
    document = {
        "receiptId": to_text("rcp", erasure.receipt_id),
        "kind": erasure.kind.value,
        name: to_text(prefix, erasure.subject),
        "requestedAt": erasure.requested_at,
        "completedAt": erasure.completed_at,
        "complete": erasure.completed_at is not None,
        "removed": [{"where": it, "count": count} for it, count in erasure.removed.items()],
    }
    return Response(document, headers={"Cache-Control": "no-store"})
