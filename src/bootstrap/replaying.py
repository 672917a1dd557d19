"""Replay: the log up to a moment, and what the read models made of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from adapters.feed import LogFeed
from adapters.feeding import skips
from bootstrap import Core
from domain.catalogue import stream_of
from domain.stream import Recorded, tag
from projections import accounts, albums, gallery, organizations
from projections.audit_log import Entry
from projections.history import Moment, Step, document, steps, told, until
from projections.projection import PROJECTIONS
from settings import Settings

PAGE = 1_000
TICK = 0.2
"""Seconds between looks at a log that does not grow."""
SKEW = timedelta(minutes=1)
"""By which clocks of different machines may differ."""
TELLING: dict[str, "Project"] = {
    "image": gallery.project,
    "account": accounts.project,
    "album": albums.project,
    "organization": organizations.project,
}
"""The projection whose documents tell how a stream was."""

Project = Callable[[Any, Recorded[Any]], msgspec.Struct | None]
Report = Callable[[int, int], None]
"""Called with the position that was read, and the last one."""


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """One stream as it was."""

    steps: list[Step]
    document: Any
    """None where nothing tells it, where it was not there yet, or where it was gone."""


async def stream(settings: Settings, stream_id: UUID, at: Moment) -> Replayed | None:
    """None if nothing had happened in it by then."""
    core = Core(settings)
    async with core.connected():
        history = until(await core.store.load(stream_id), at)
    if not history:
        return None
    project: Project = TELLING.get(_stream(history[0]), _nothing)
    return Replayed(steps=steps(project, history), document=document(project, history))


async def models(
    settings: Settings, at: Moment, report: Report
) -> Iterator[tuple[str, msgspec.Struct]]:
    """Every document of every read model as it was, with the model's name, in memory."""
    core = Core(settings)
    made: dict[str, dict[UUID, Any]] = {name: {} for name in PROJECTIONS}
    async with core.connected():
        skipped = {name: await skips(core.log, name) for name in PROJECTIONS}
        async for recorded in _log(core, at, report):
            for name, projection in PROJECTIONS.items():
                if recorded.position in skipped[name]:
                    continue
                if _stream(recorded) in projection.streams:
                    documents = made[projection.name]
                    after = projection.project(documents.get(recorded.stream_id), recorded)
                    documents[recorded.stream_id] = after
    return (
        (name, it)
        for name, documents in made.items()
        for it in documents.values()
        if it is not None
    )


async def follow(settings: Settings, after: int | None, show: Callable[[Entry], None]) -> None:
    """Every event behind `after`, or from now on, for ever."""
    core = Core(settings)
    async with core.connected():
        feed = LogFeed(core.log)
        position = await feed.head() if after is None else after
        while True:
            page = await feed.page(position, PAGE)
            for recorded in page:
                show(told(recorded))
            if page:
                position = page[-1].position or position
            else:
                await asyncio.sleep(TICK)


async def _log(core: Core, at: Moment, report: Report) -> AsyncIterator[Recorded[Any]]:
    position, head = 0, await core.log.head()
    while page := await core.log.recorder.page(position, PAGE):
        opened = await core.log.opened(page)
        for recorded in until(opened, at):
            yield recorded
        position = page[-1].id
        report(position, max(head, position))
        if _over(opened[-1], at):
            return


def _over(last: Recorded[Any], at: Moment) -> bool:
    if isinstance(at, int):
        return last.position is not None and last.position >= at
    return last.at > at + SKEW


def _stream(recorded: Recorded[Any]) -> str:
    return stream_of(tag(type(recorded.event)))


def _nothing(_: Any, __: Recorded[Any]) -> None:
    return None
