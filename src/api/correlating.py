"""What every answer is known by: an id for its request, its place in metrics, traces and log."""

import re
import time
from uuid import UUID, uuid4

import structlog
from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send
from opentelemetry import context, trace
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
)

from api.identity import actor
from api.parts import MetricsPage
from commands.correlation import CORRELATION
from domain.ids import to_text

REQUEST_ID = "X-Request-Id"
_SAFE = {"GET", "HEAD", "OPTIONS"}
_METHODS = _SAFE | {"POST", "PUT", "PATCH", "DELETE"}
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")

_log = structlog.get_logger()
_tracer = trace.get_tracer("darkroom")


class Correlating:
    """Outermost, so that what no route takes is told of too, under the id of the request.

    A caller that traces gives the id (W3C Trace Context); any other gets a new one. Writes are
    logged with their actor and position, failures too; reads only count.
    """

    def __init__(self, app: ASGIApp, metrics: MetricsPage) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        began, method = time.perf_counter(), _method(scope)
        caller = _caller(Headers.from_scope(scope))
        id = UUID(int=caller.trace_id) if caller else uuid4()
        correlated = CORRELATION.set(id)
        attached = context.attach(
            trace.set_span_in_context(NonRecordingSpan(caller)) if caller else context.Context()
        )

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableScopeHeaders.from_message(message)[REQUEST_ID] = id.hex
                self._answered(method, scope, message, time.perf_counter() - began, span)
            await send(message)

        try:
            with (
                structlog.contextvars.bound_contextvars(request=id.hex),
                _tracer.start_as_current_span(method, kind=SpanKind.SERVER) as span,
            ):
                await self._app(scope, receive, told)
        finally:
            context.detach(attached)
            CORRELATION.reset(correlated)

    def _answered(
        self, method: str, scope: Scope, message: HTTPResponseStartEvent, seconds: float, span: Span
    ) -> None:
        status = int(message["status"])
        route = str(scope.get("path_template", ""))
        self._metrics.answered(method, route, status, seconds)
        if span.is_recording():
            span.update_name(f"{method} {route}")
            span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", status)
            if status >= 500:
                span.set_status(StatusCode.ERROR)
        if method not in _SAFE or status >= 500:
            told = _log.warning if status >= 500 else _log.info
            position = MutableScopeHeaders.from_message(message).get("Darkroom-Position")
            who = actor(scope)
            told(
                "answered",
                method=method,
                route=route,
                status=status,
                seconds=round(seconds, 4),
                actor=to_text("u", who) if who else None,
                position=int(position) if position else None,
            )


def _method(scope: Scope) -> str:
    """As a label, of which there must not be any number."""
    method = str(scope["method"])  # type: ignore[typeddict-item]  # HTTP only
    return method if method in _METHODS else "other"


def _caller(headers: Headers) -> SpanContext | None:
    """Whose trace this is a part of (https://www.w3.org/TR/trace-context/)."""
    found = _TRACEPARENT.fullmatch(headers.get("traceparent", ""))
    if found is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in found.groups())
    told = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
    return told if told.is_valid else None
