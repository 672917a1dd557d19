"""Events that read models could not take, for administrators: shown, tried again, passed over."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody

from api.asking import MAX_PAGE, Asked, page_of
from api.bodies import Because
from api.idempotency import Ids
from api.identity import Administrator, AnyRequest
from api.parts import Given, Parts
from api.waiting import position, written
from commands.upkeep import Parked, Reparked, RetryEvent, SkipEvent
from domain.refusals import NotFound

MOST = 1_000


class ParkedController(Controller):
    path = "/v1/admin/parked-events"
    tags = ("administration",)

    @get(summary="What read models could not take, in the order of the log")
    async def list(
        self, request: AnyRequest, administrator: Administrator, parts: Given
    ) -> dict[str, Any]:
        """With the later events of the same streams, which wait for it."""
        asked = Asked(request)
        limit, page = asked.number("limit", 100, MOST), asked.number("page", 1, MAX_PAGE)
        after = asked.one("cursor", _cursor)
        asked.check()
        skipped = 0 if after else (page - 1) * limit
        found = await parts.parking.page(after or (0, ""), limit + 1, skip=skipped)
        shown = found[:limit]
        following = f"{shown[-1].position}.{shown[-1].model}" if len(found) > limit else None
        return page_of(
            "parkedEvents",
            [*map(_shown, shown)],
            limit=limit,
            page=page,
            total=await parts.parking.total(),
            following=following,
        )

    @post("/{position:str}/retry", status_code=200, summary="Have it taken after all")
    async def retry(
        self, position: FromPath[str], administrator: Administrator, parts: Given, new_id: Ids
    ) -> Response[dict[str, Any]]:
        """By every read model that could not take it, once its projector was mended; and with it
        the later events of its stream."""
        command = RetryEvent(by=administrator, position=_at(position), request=new_id())
        return await _answered(parts, command)

    @post("/{position:str}/skip", status_code=200, summary="Do without it for ever, for a reason")
    async def skip(
        self,
        position: FromPath[str],
        data: JSONBody[Because],
        administrator: Administrator,
        parts: Given,
    ) -> Response[dict[str, Any]]:
        """In every later rebuild, too. The later events of its stream are taken."""
        command = SkipEvent(by=administrator, position=_at(position), reason=data.reason)
        return await _answered(parts, command)


def _cursor(text: str) -> tuple[int, str]:
    at, _, model = text.partition(".")
    return position(at), model


def _at(text: str) -> int:
    try:
        return position(text)
    except ValueError as error:
        raise NotFound from error


def _shown(event: Parked) -> dict[str, Any]:
    return {
        "position": event.position,
        "readModel": event.model,
        "streamId": event.stream_id,
        "type": event.topic,
        "error": event.error,
        "at": event.at,
    }


async def _answered(parts: Parts, command: RetryEvent | SkipEvent) -> Response[dict[str, Any]]:
    """`error` is why it stays parked."""
    done: Reparked = await parts.dispatch(command)
    results = [{"readModel": it.model, "taken": it.taken, "error": it.error} for it in done.tried]
    body = {"position": command.position, "results": results}
    return Response(body, headers=await written(parts, done.receipt))
