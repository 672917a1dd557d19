"""Traces over OTLP, from a request to the read models that its events reached.

The correlation id that events carry is the trace id: nothing else has to travel with them.
"""

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from commands.correlation import CORRELATION
from domain.stream import Recorded

_LOW = 2**64 - 1


class CorrelatedIds(RandomIdGenerator):
    """A request's first span has an id that follows from its correlation: whoever meets an event
    of it later knows what to hang its own span below."""

    def generate_trace_id(self) -> int:
        found = CORRELATION.get()
        return found.int if found else super().generate_trace_id()

    def generate_span_id(self) -> int:
        found, around = CORRELATION.get(), trace.get_current_span().get_span_context()
        if found and (around.is_remote or not around.is_valid):
            return _first(found)
        return super().generate_span_id()


def start(url: str, ratio: float) -> None:
    """Once in a process. The same requests are traced in every one: their id decides."""
    provider = TracerProvider(
        resource=Resource.create({"service.name": "darkroom"}),
        sampler=TraceIdRatioBased(ratio),
        id_generator=CorrelatedIds(),
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
    trace.set_tracer_provider(provider)


def followed(name: str, events: Sequence[Recorded[Any]], began: int) -> None:
    """Since `began` (nanoseconds of the epoch) this was done with the events, each a span of the
    request that it came of."""
    tracer, now = trace.get_tracer("darkroom"), time.time_ns()
    for event in events:
        if event.correlation is None:
            continue
        cause = SpanContext(
            event.correlation.int,
            _first(event.correlation),
            is_remote=True,
            trace_flags=TraceFlags(TraceFlags.SAMPLED),
        )
        around = trace.set_span_in_context(NonRecordingSpan(cause))
        span = tracer.start_span(name, context=around, start_time=began)
        span.set_attribute("darkroom.position", event.position or 0)
        span.end(now)


def _first(correlation: UUID) -> int:
    return correlation.int & _LOW or 1
