"""Parked events on the command line: looked at, tried again, passed over."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from adapters.parking import LogParking
from bootstrap import Core, new_id
from commands.upkeep import Parked, RetryEvent, SkipEvent, Tried, retry_event, skip_event
from domain.ids import NOBODY
from domain.refusals import NotFound
from settings import Settings

PAGE = 1_000


async def parked(settings: Settings) -> list[Parked]:
    """All of them, in the order of the log."""
    async with _opened(settings) as (_, parking):
        return [it async for it in _all(parking)]


async def retry(settings: Settings, position: int) -> Sequence[Tried]:
    """Raises NotFound if none is parked there."""
    async with _opened(settings) as (core, parking):
        return (await retry_event(_retry(position), store=core.store, parking=parking)).tried


async def retry_all(settings: Settings) -> Sequence[Tried]:
    """Each stream of each read model once."""
    tried: list[Tried] = []
    done: set[tuple[str, UUID]] = set()
    async with _opened(settings) as (core, parking):
        async for it in _all(parking):
            if (it.model, it.stream_id) in done:
                continue
            with suppress(NotFound):  # taken meanwhile
                found = await retry_event(_retry(it.position), store=core.store, parking=parking)
                done |= {(model.model, it.stream_id) for model in found.tried}
                tried += found.tried
    return tried


async def skip(settings: Settings, position: int, reason: str) -> Sequence[Tried]:
    """Make the read models without it, for ever. Raises NotFound if it is not parked."""
    async with _opened(settings) as (core, parking):
        command = SkipEvent(by=NOBODY, position=position, reason=reason)
        return (await skip_event(command, store=core.store, parking=parking)).tried


def _retry(position: int) -> RetryEvent:
    return RetryEvent(by=NOBODY, position=position, request=new_id())


async def _all(parking: LogParking) -> AsyncIterator[Parked]:
    after = (0, "")
    while page := await parking.page(after, PAGE):
        for it in page:
            yield it
        after = page[-1].position, page[-1].model


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[tuple[Core, LogParking]]:
    core = Core(settings)
    async with core.connected():
        yield core, LogParking(core.log, core.store)
