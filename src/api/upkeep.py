"""Read models, for administrators: how far each is, what it could not take, making it again."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from api.idempotency import Ids
from api.identity import Administrator
from api.parts import Given, Parts
from api.waiting import written
from commands.upkeep import OrderRebuild, Parked, Rebuild
from domain.refusals import NotFound

MOST = 100
"""Parked events that are shown."""


class ProjectionController(Controller):
    path = "/v1/admin/projections"
    tags = ("administration",)

    @get(summary="Every read model: position, lag, generation, parked events, rebuild")
    async def list(self, administrator: Administrator, parts: Given) -> dict[str, Any]:
        head, models = await parts.health.progress()
        rebuilds = {it.model: it for it in await parts.upkeep.rebuilds()}
        shown = [await _shown(parts, it, rebuilds.get(it["name"]), 1) for it in models]
        return {"head": head, "projections": [it | {"parkedEvents": None} for it in shown]}

    @get("/{name:str}", summary="One read model, and the events that it could not take")
    async def read(
        self, name: FromPath[str], administrator: Administrator, parts: Given
    ) -> dict[str, Any]:
        _, models = await parts.health.progress()
        rebuilds = {it.model: it for it in await parts.upkeep.rebuilds()}
        found = next((it for it in models if it["name"] == name), None)
        if found is None:
            raise NotFound
        return await _shown(parts, found, rebuilds.get(name), MOST)

    @post("/{name:str}/rebuild", status_code=202, summary="Make a read model again from the log")
    async def rebuild(
        self, name: FromPath[str], administrator: Administrator, parts: Given, new_id: Ids
    ) -> Response[dict[str, Any]]:
        """Beside the running one, which answers until the new one is swapped in. If it is being
        made already, nothing more happens. How far it is: GET the read model."""
        command = OrderRebuild(by=administrator, model=name, request=new_id())
        headers = await written(parts, await parts.dispatch(command))
        headers["Location"] = f"{self.path}/{name}"
        return Response({"name": name, "state": "ordered"}, status_code=202, headers=headers)


async def _shown(
    parts: Parts, model: dict[str, Any], rebuild: Rebuild | None, most: int
) -> dict[str, Any]:
    parked = await parts.upkeep.parked(model["name"], most)
    error = parked[0].error if parked else None
    return model | {
        "lastError": (rebuild.error if rebuild else None) or error,
        "parkedEvents": [*map(_parked, parked)],
        "rebuild": _rebuild(rebuild) if rebuild else None,
    }


def _parked(event: Parked) -> dict[str, Any]:
    return {
        "position": event.position,
        "type": event.topic,
        "error": event.error,
        "at": event.at,
    }


def _rebuild(rebuild: Rebuild) -> dict[str, Any]:
    rate = rebuild.events / rebuild.seconds if rebuild.seconds else None
    return {
        "state": rebuild.state,
        "orderedAt": rebuild.ordered_at,
        "startedAt": rebuild.started_at,
        "finishedAt": rebuild.finished_at,
        "position": rebuild.position,
        "head": rebuild.head,
        "eventsPerSecond": round(rate) if rate else None,
        "error": rebuild.error,
    }
