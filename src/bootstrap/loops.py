"""Work without end: at once while there is any, again after a rest, whatever goes wrong."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from adapters import metrics
from adapters.election import Election
from projections.positions import Positions

Work = Callable[[], Awaitable[object]]
"""One piece of it; says whether there was any."""
Find = Callable[[], Awaitable[Work | None]]
Rest = Callable[[], Awaitable[object]]

OUTAGE = 1.0  # seconds between tries while what the work needs is down
IDLE = 1.0  # seconds between looks for work while nothing is heard
BREATH = 0.05  # seconds between looks at least: under load, announcements come without end


async def for_ever(name: str, work: Work, rest: Rest, *, outage: float = OUTAGE) -> None:
    """In all processes that want to. What interrupts it is said once, not each second."""
    log, reason = structlog.get_logger(), ""
    interrupted, seconds = metrics.WORK_INTERRUPTED.labels(name), metrics.WORK_SECONDS.labels(name)
    while True:
        began = time.perf_counter()
        try:
            worked, reason = await work(), ""
            if worked:
                seconds.observe(time.perf_counter() - began)
        except Exception as error:
            interrupted.inc()
            worked, before = False, reason
            reason = _reason(error)
            if reason != before:
                log.warning("interrupted", work=name, reason=reason)
        if reason:
            await asyncio.sleep(outage)
        elif not worked:
            await rest()


async def hand_out(size: int, name: str, find: Find, rest: Rest) -> None:
    """So many pieces at once, in tasks of their own; one alone looks for them, for all."""
    log, places = structlog.get_logger(), asyncio.Semaphore(size)
    interrupted, seconds = metrics.WORK_INTERRUPTED.labels(name), metrics.WORK_SECONDS.labels(name)

    async def done(piece: Work) -> None:
        began = time.perf_counter()
        try:
            await piece()
            seconds.observe(time.perf_counter() - began)
        except Exception as error:
            interrupted.inc()
            log.warning("interrupted", work=name, reason=_reason(error))
        finally:
            places.release()

    async with asyncio.TaskGroup() as group:

        async def look() -> bool:
            await places.acquire()
            piece = None
            try:
                piece = await find()
            finally:
                if piece is None:
                    places.release()
            if piece:
                group.create_task(done(piece))
            return piece is not None

        await for_ever(f"looking for {name}", look, rest)


async def every(pause: float, name: str, work: Work, rest: Rest | None = None) -> None:
    """One step, and always a pause after it, or another rest."""
    log = structlog.get_logger()

    async def step() -> None:
        if count := await work():
            log.info("done", work=name, count=count)

    await for_ever(name, step, rest or after(pause), outage=pause)


def _reason(error: Exception) -> str:
    return str(getattr(error, "facts", error)) or type(error).__name__


def elected(election: Election, name: str, work: Work) -> Work:
    """The same work in one process of all; the others have none."""

    async def its_turn() -> object:
        return await election.won(name) and await work()

    return its_turn


def after(seconds: float) -> Rest:
    return partial(asyncio.sleep, seconds)


class Stirred:
    """A rest until a read model has moved since the rest before: `least` seconds, and `most` where
    nothing is heard. By `news` it is stirred by what concerns it; by its name, by every event.
    """

    def __init__(
        self,
        positions: Positions,
        name: str = "gallery",
        *,
        least: float = BREATH,
        most: float = IDLE,
    ) -> None:
        self._positions = positions
        self._name = name
        self._least, self._most = least, most
        self._upto = 0

    async def __call__(self) -> None:
        await asyncio.sleep(self._least)
        await self._positions.heard(self._name, self._upto, within=self._most)
        self._upto = self._positions.current(self._name)
