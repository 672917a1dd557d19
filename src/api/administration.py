"""What only an administrator may do; each act is an event with its actor and reason."""

from typing import Any

from litestar import Controller, Response, delete, post, put
from litestar.params import FromPath, JSONBody

from api.bodies import Because, NewHold, NewRescan
from api.identity import Administrator, image_id
from api.parts import Given
from api.waiting import written
from commands.holds import LiftHold, PlaceHold
from commands.review import Requested, Rescan, RescanMany
from domain.ids import to_text


class LegalHoldController(Controller):
    path = "/v1/admin/images/{id:str}/legal-hold"
    tags = ("administration",)

    @put(summary="Forbid that an image be destroyed, by anybody and by time")
    async def place(
        self, id: FromPath[str], data: JSONBody[NewHold], administrator: Administrator, parts: Given
    ) -> Response[dict[str, Any]]:
        command = PlaceHold(by=administrator, image_id=image_id(id), reason=data.reason)
        headers = await written(parts, await parts.dispatch(command))
        return Response({"imageId": id, "legalHold": True}, headers=headers)

    @delete(status_code=204, summary="Lift a legal hold")
    async def lift(
        self, id: FromPath[str], administrator: Administrator, parts: Given
    ) -> Response[None]:
        command = LiftHold(by=administrator, image_id=image_id(id))
        headers = await written(parts, await parts.dispatch(command))
        return Response(None, status_code=204, headers=headers)


class RescanController(Controller):
    path = "/v1/admin"
    tags = ("administration",)

    @post("/images/{id:str}/rescan", status_code=202, summary="Scan an image again")
    async def rescan(
        self, id: FromPath[str], data: JSONBody[Because], administrator: Administrator, parts: Given
    ) -> Response[dict[str, Any]]:
        """It stays as it is until something is found."""
        command = Rescan(by=administrator, image_id=image_id(id), reason=data.reason)
        headers = await written(parts, await parts.dispatch(command))
        return Response({"imageId": id}, status_code=202, headers=headers)

    @post("/rescan", status_code=202, summary="Scan again, page by page")
    async def rescan_many(
        self, data: JSONBody[NewRescan], administrator: Administrator, parts: Given
    ) -> Response[dict[str, Any]]:
        """Of what was uploaded `since`, or of everything; ask again with `cursor` for the next."""
        command = RescanMany(
            by=administrator,
            since=data.since,
            after=image_id(data.cursor) if data.cursor else None,
            reason=data.reason,
        )
        requested: Requested = await parts.dispatch(command)
        headers = await written(parts, requested.receipt)
        following = to_text("img", requested.last) if requested.last else None
        answer = {"requested": requested.count, "nextCursor": following}
        return Response(answer, status_code=202, headers=headers)
