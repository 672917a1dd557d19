"""What only an administrator may do; each act is an event with its actor and reason."""

from typing import Any

from litestar import Controller, Response, post
from litestar.params import FromPath, JSONBody

from api.bodies import Because, NewRescan
from api.idempotency import Ids
from api.identifiers import image_id
from api.identity import Administrator
from api.parts import Given
from api.waiting import written
from commands.review import Requested, Rescan, RescanMany
from domain.ids import to_text


class RescanController(Controller):
    path = "/v1/admin"
    tags = ("administration",)

    @post("/images/{id:str}/rescan", status_code=202, summary="Scan an image again")
    async def rescan(
        self,
        id: FromPath[str],
        data: JSONBody[Because],
        administrator: Administrator,
        parts: Given,
        new_id: Ids,
    ) -> Response[dict[str, Any]]:
        """It stays as it is until something is found."""
        command = Rescan(
            by=administrator, image_id=image_id(id), reason=data.reason, request=new_id()
        )
        headers = await written(parts, await parts.dispatch(command))
        return Response({"imageId": id}, status_code=202, headers=headers)

    @post("/rescan", status_code=202, summary="Scan again, page by page")
    async def rescan_many(
        self, data: JSONBody[NewRescan], administrator: Administrator, parts: Given, new_id: Ids
    ) -> Response[dict[str, Any]]:
        """Of what was uploaded `since`, or of everything; ask again with `cursor` for the next."""
        command = RescanMany(
            by=administrator,
            since=data.since,
            after=image_id(data.cursor) if data.cursor else None,
            reason=data.reason,
            request=new_id(),
        )
        requested: Requested = await parts.dispatch(command)
        headers = await written(parts, requested.receipt)
        following = to_text("img", requested.last) if requested.last else None
        answer = {"requested": requested.count, "nextCursor": following}
        return Response(answer, status_code=202, headers=headers)
