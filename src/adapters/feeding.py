"""Feeds one read model with pages of the log; an event that it cannot take is put aside."""

import time
from collections.abc import Sequence
from typing import Any

import structlog
from eventsourcing.persistence import Notification
from psycopg import AsyncConnection

from adapters.database import DOWN
from adapters.event_store import EventLog
from adapters.read_model import PositionMoved, ReadModel
from domain import upkeep
from domain.stream import Recorded, fold

_log = structlog.get_logger()

Connection = AsyncConnection[Any]


BEHIND = "an earlier event of this stream is parked"


def told(error: Exception) -> str:
    """Why an event is put aside."""
    return f"{type(error).__name__}: {error}"


class Feeding:
    """Knows where the model stands. One at a time can feed it: the others find that it moved.

    Where nothing changes the model it stands further on all the same: that is written down with
    its next change, or after `lazy` seconds. Who asks the table meanwhile is told too little, never
    too much; and a generation that is swapped in meanwhile may stand there, and lacks nothing.
    """

    def __init__(self, model: ReadModel[Any], log: EventLog, *, lazy: float = 0.0) -> None:
        self.model = model
        self._events = log
        self._lazy = lazy
        self._at(0)
        self._parked: set[Any] = set()

    def _at(self, position: int) -> None:
        """As the table has it."""
        self.position = self._written = position
        self._since = time.monotonic()

    @property
    def unwritten(self) -> bool:
        return self.position != self._written

    async def look(self, connection: Connection) -> None:
        """Before the first page, and whenever the model has moved."""
        self._at(await self.model.position(connection))
        self._parked = await self.model.parked(connection)
        await passing_over(self.model, self._events)

    async def take(
        self, connection: Connection, page: Sequence[Notification]
    ) -> Sequence[Recorded[Any]]:
        """A page of the log, of which only that is opened, and returned, which concerns the model.

        Raises PositionMoved.
        """
        events = await self._events.opened([it for it in page if self.model.wants(it.topic)])
        await self._feed(connection, events, page[-1].id)
        return events

    async def write(self, connection: Connection) -> None:
        """Write down where it stands. Raises PositionMoved."""
        await self.model.apply(connection, [], after=self._written, upto=self.position)
        self._at(self.position)

    async def _feed(
        self, connection: Connection, events: Sequence[Recorded[Any]], upto: int
    ) -> None:
        """All of it in one transaction; if that fails, in halves, until the bad event is alone."""
        if any(event.stream_id in self._parked for event in events):
            self._parked = await self.model.parked(connection)  # by now it may be taken back
        behind = [event.stream_id in self._parked for event in events]
        if any(behind) and len(events) > 1:
            await self._halves(connection, events, upto)
            return
        try:
            if any(behind):
                raise RuntimeError(BEHIND)
            await self._apply(connection, events, upto)
        except (PositionMoved, *DOWN):
            raise
        except Exception as error:
            if len(events) > 1:
                await self._halves(connection, events, upto)
            elif not events:
                raise
            else:
                await self._park_or_feed(connection, events[0], error, upto, behind=any(behind))

    async def _apply(
        self, connection: Connection, events: Sequence[Recorded[Any]], upto: int
    ) -> None:
        lazily = time.monotonic() - self._since < self._lazy
        if await self.model.apply(
            connection, events, after=self._written, upto=upto, lazily=lazily
        ):
            self._at(upto)
        self.position = upto

    async def _halves(
        self, connection: Connection, events: Sequence[Recorded[Any]], upto: int
    ) -> None:
        middle = len(events) // 2
        end = events[middle - 1].position
        assert end is not None
        await self._feed(connection, events[:middle], end)
        await self._feed(connection, events[middle:], upto)

    async def _park_or_feed(
        self,
        connection: Connection,
        event: Recorded[Any],
        error: Exception,
        upto: int,
        *,
        behind: bool,
    ) -> None:
        assert event.position is not None
        if not await self._park(connection, event, error, behind=behind):
            await self._feed(connection, [event], upto)
            return
        self._at(event.position)
        if self.position < upto:
            await self._feed(connection, [], upto)

    async def _park(
        self, connection: Connection, event: Recorded[Any], error: Exception, *, behind: bool
    ) -> bool:
        """False where it need not be any more: what it waited for was taken back."""
        parked = await self.model.park(
            connection, event, told(error), after=self._written, behind=behind
        )
        if parked:
            name, at = self.model.schema, event.position
            _log.error("event parked", model=name, position=at, exc_info=error)
            self._parked.add(event.stream_id)
        return parked


async def passing_over(model: ReadModel[Any], log: EventLog) -> None:
    """Let the model know which events it is made without."""
    model.skipped = await skips(log, model.projection.name)


async def skips(log: EventLog, name: str) -> frozenset[int]:
    """Positions of the events that a read model is made without."""
    events, _ = await log.recorder.read(upkeep.stream_of_model(name))
    state = fold(upkeep.evolve, [log.mapper.recorded(event) for event in events])
    return state.skipped if state else frozenset()
