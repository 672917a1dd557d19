"""For those who run it: health and metrics."""

from contextlib import suppress
from typing import Any

from litestar import Response, get

from api.parts import Given, Parts
from domain.refusals import Unavailable


@get("/health/live", tags=["operations"], summary="Whether the process answers")
async def live() -> dict[str, str]:
    return {"status": "alive"}


@get("/health/ready", tags=["operations"], summary="Whether everything it needs answers too")
async def ready(parts: Given) -> Response[dict[str, Any]]:
    found = await parts.health.ready()
    headers = {"Cache-Control": "no-store"}
    if not found["ready"]:
        headers["Retry-After"] = "1"
    return Response(found, status_code=200 if found["ready"] else 503, headers=headers)


@get("/metrics", tags=["operations"], summary="For Prometheus")
async def metrics(parts: Given) -> Response[bytes]:
    _, models = await parts.health.progress()
    parts.metrics.standing(models)
    with suppress(Unavailable):
        await _count_untold(parts)
        parts.metrics.waiting(await parts.backlogs.waiting(), await parts.backlogs.stored())
    page, content_type = parts.metrics.page()
    return Response(page, media_type=content_type)


async def _count_untold(parts: Parts) -> None:
    backlog = await parts.webhooks.backlog()
    page = await parts.feed.page(backlog.position, 1) if backlog.webhooks else []
    oldest = (parts.clock() - page[0].at).total_seconds() if page else 0.0
    parts.metrics.untold(backlog.webhooks, oldest, backlog.dead)
