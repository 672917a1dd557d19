"""Legal holds: what an administrator forbids to destroy, and the list of it."""

from typing import Any

from litestar import Controller, Response, delete, get, put
from litestar.params import FromPath, JSONBody

from api.asking import Asked, page_of, paging
from api.bodies import Because
from api.identifiers import image_id
from api.identity import Administrator, AnyRequest
from api.parts import Given
from api.waiting import REVIEW, written
from commands.holds import LiftHold, PlaceHold
from domain.ids import to_text
from projections.scanning import Held


class LegalHoldController(Controller):
    path = "/v1/admin/images/{id:str}/legal-hold"
    tags = ("administration",)

    @put(summary="Forbid that an image be destroyed, by anybody and by time")
    async def place(
        self, id: FromPath[str], data: JSONBody[Because], administrator: Administrator, parts: Given
    ) -> Response[dict[str, Any]]:
        command = PlaceHold(by=administrator, image_id=image_id(id), reason=data.reason)
        headers = await written(parts, await parts.dispatch(command), REVIEW)
        return Response({"imageId": id, "legalHold": True}, headers=headers)

    @delete(status_code=204, summary="Lift a legal hold")
    async def lift(
        self,
        id: FromPath[str],
        administrator: Administrator,
        parts: Given,
        data: JSONBody[Because | None] = None,
    ) -> Response[None]:
        """A reason is kept where one is given."""
        reason = data.reason if data else ""
        command = LiftHold(by=administrator, image_id=image_id(id), reason=reason)
        headers = await written(parts, await parts.dispatch(command), REVIEW)
        return Response(None, status_code=204, headers=headers)


@get("/v1/admin/legal-holds", tags=["administration"], summary="What is held, the oldest first")
async def holds(request: AnyRequest, administrator: Administrator, parts: Given) -> dict[str, Any]:
    """Why, by whom and since when."""
    asked = Asked(request)
    where = paging(asked)
    asked.check()
    found = await parts.suspects.holds(**where)
    return page_of(
        "holds",
        [*map(shown, found.held)],
        limit=where["limit"],
        page=where["page"],
        total=found.total,
        following=found.next_cursor,
    )


def shown(held: Held) -> dict[str, Any]:
    return {
        "imageId": to_text("img", held.id),
        "ownerId": to_text("u", held.owner_id),
        "reason": held.held_for,
        "placedBy": to_text("u", held.held_by),
        "since": held.held_at,
    }
