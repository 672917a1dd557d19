"""What was done by hand about one read model: its stream holds what nobody may do unnoticed."""

from typing import TypeAlias, assert_never
from uuid import UUID, uuid5

import msgspec
from msgspec.structs import replace

from domain.stream import Event

_NAMES = UUID("6f3d9a52-7d0e-5b0a-9a55-0d6b8a3f2c11")

# Events


class EventSkipped(Event, frozen=True, kw_only=True, tag="upkeep.event-skipped"):
    """The read model, and every later generation of it, is made without the event there."""

    model: str
    position: int
    reason: str
    """For all administrators, for ever."""


class EventRetried(Event, frozen=True, kw_only=True, tag="upkeep.event-retried"):
    """The read model was to take the event there after all; whether it could, it shows itself."""

    model: str
    position: int
    request: UUID


class RebuildOrdered(Event, frozen=True, kw_only=True, tag="upkeep.rebuild-ordered"):
    model: str
    request: UUID


UpkeepEvent: TypeAlias = EventSkipped | EventRetried | RebuildOrdered

# State


class Upkeep(msgspec.Struct, frozen=True, kw_only=True):
    skipped: frozenset[int] = frozenset()
    request: UUID | None = None
    """That ordered the last rebuild."""
    retries: frozenset[tuple[int, UUID]] = frozenset()
    """By position and request."""


def evolve(upkeep: Upkeep | None, event: UpkeepEvent) -> Upkeep:
    upkeep = upkeep or Upkeep()
    match event:
        case EventSkipped(position=position):
            return replace(upkeep, skipped=upkeep.skipped | {position})
        case EventRetried(position=position, request=request):
            return replace(upkeep, retries=upkeep.retries | {(position, request)})
        case RebuildOrdered(request=request):
            return replace(upkeep, request=request)
        case _:
            assert_never(event)


# Decisions


def stream_of_model(name: str) -> UUID:
    return uuid5(_NAMES, name)


def skip(upkeep: Upkeep | None, *, model: str, position: int, reason: str) -> list[UpkeepEvent]:
    if upkeep and position in upkeep.skipped:
        return []
    return [EventSkipped(model=model, position=position, reason=reason)]


def retry(upkeep: Upkeep | None, *, model: str, position: int, request: UUID) -> list[UpkeepEvent]:
    if upkeep and (position, request) in upkeep.retries:
        return []
    return [EventRetried(model=model, position=position, request=request)]


def order_rebuild(upkeep: Upkeep | None, *, model: str, request: UUID) -> list[UpkeepEvent]:
    if upkeep and upkeep.request == request:
        return []
    return [RebuildOrdered(model=model, request=request)]
