"""Parked events: looked at, tried again, passed over."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from adapters.feeding import passing_over
from adapters.read_model import ReadModel
from adapters.upkeep import PostgresUpkeep
from bootstrap import PROJECTIONS, Core
from commands.upkeep import Parked, SkipEvent, skip_event
from domain.ids import NOBODY
from domain.refusals import NotFound
from projections.projection import Projection
from settings import Settings

MOST = 10_000


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One stream of one read model, tried again."""

    model: str
    position: int
    """Of its first parked event."""
    taken: int
    """How many parked events are not any more."""
    error: str | None
    """Why it stays as it was."""


async def parked(settings: Settings) -> list[Parked]:
    """All of them, in the order of the log."""
    core = Core(settings)
    async with core.connected():
        return await _parked(core)


async def retry(settings: Settings, position: int | None) -> list[Tried]:
    """The streams of the events there, or of all. Raises NotFound if none is parked there."""
    core = Core(settings)
    async with core.connected():
        found = await _parked(core)
        wanted = [it for it in found if position in (None, it.position)]
        if position is not None and not wanted:
            raise NotFound
        return await _retried(core, wanted)


async def skip(settings: Settings, position: int, reason: str) -> list[Tried]:
    """Make the read models without it, for ever. Raises NotFound if it is not parked."""
    core = Core(settings)
    async with core.connected():
        wanted = [it for it in await _parked(core) if it.position == position]
        if not wanted:
            raise NotFound
        for it in wanted:
            command = SkipEvent(by=NOBODY, model=it.model, position=position, reason=reason)
            await skip_event(command, store=core.store)
        return await _retried(core, wanted)


async def _parked(core: Core) -> list[Parked]:
    port = PostgresUpkeep(core.database)
    found = [it for name in PROJECTIONS for it in await port.parked(name, MOST)]
    return sorted(found, key=lambda it: (it.position, it.model))


async def _retried(core: Core, wanted: Sequence[Parked]) -> list[Tried]:
    first: dict[tuple[str, UUID], Parked] = {}
    for it in wanted:
        first.setdefault((it.model, it.stream_id), it)
    return [await _again(core, PROJECTIONS[it.model], it) for it in first.values()]


async def _again(core: Core, projection: Projection[Any], parked: Parked) -> Tried:
    model, taken, error = ReadModel(projection), 0, None
    await passing_over(model, core.log)
    history: Callable[[], Awaitable[Any]] = partial(core.store.load, parked.stream_id)
    async with core.database.connection() as connection:
        try:
            taken = await model.refold(connection, parked.stream_id, history)
        except Exception as failure:  # it is still what it was parked for
            error = f"{type(failure).__name__}: {failure}"
    return Tried(model=parked.model, position=parked.position, taken=taken, error=error)
