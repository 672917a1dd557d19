"""What only an administrator may do; each act is an event with its actor and reason."""

from typing import Any

from litestar import Controller, Response, delete, put
from litestar.params import FromPath, JSONBody

from api.bodies import NewHold
from api.identity import Administrator, image_id
from api.parts import Given
from api.waiting import written
from commands.holds import LiftHold, PlaceHold


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
