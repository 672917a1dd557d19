"""For those who run it: health, metrics, and what every answer is counted by."""

import time
from typing import Any

from litestar import Response, get
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.parts import Given, MetricsPage


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
    page, content_type = parts.metrics.page()
    return Response(page, media_type=content_type)


class Counting(ASGIMiddleware):
    """Counts every answer by the route's template, never by what stood in its place."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, metrics: MetricsPage) -> None:
        self._metrics = metrics

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        began = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = str(scope.get("path_template", ""))
                seconds = time.perf_counter() - began
                self._metrics.answered(str(scope["method"]), route, message["status"], seconds)  # type: ignore[typeddict-item]  # HTTP only
            await send(message)

        await next_app(scope, receive, counted)
