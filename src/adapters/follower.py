"""Reading the log event by event, where each event is acted upon in the same transaction."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any

from eventsourcing.persistence import Notification
from psycopg import AsyncConnection

from adapters.database import DOWN, Database
from adapters.event_store import EventLog
from domain.refusals import Unavailable
from domain.stream import Recorded

PAGE = 200
LAZY = 1_000
"""Positions without anything for it that are passed by at once."""

Connection = AsyncConnection[Any]
Act = Callable[[Connection, Sequence[Recorded[Any]]], Awaitable[None]]


class Follower:
    """One reader of some types of events, under a name of its own, in one process at a time."""

    def __init__(self, log: EventLog, name: str, topics: Collection[str]) -> None:
        self._log = log
        self._name = name
        self._topics = list(topics)

    async def step(self, act: Act) -> int:
        """Hand the next events to `act`; unless it fails, they count as read. Returns how many."""
        if not await self._anything():
            return 0
        async with self._log.database.connection() as connection, connection.transaction():
            row = await (await connection.execute(_POSITION, (self._name,))).fetchone()
            assert row is not None, "`darkroom prepare` has begun for us"
            (position,) = row
            head = await self._log.head()
            cursor = await connection.execute(_NEXT, (self._topics, position, head, PAGE))
            stored = [Notification(o, v, t, s, id) for o, v, t, s, id in await cursor.fetchall()]
            upto = stored[-1].id if len(stored) == PAGE else head
            if upto == position:
                return 0
            if stored:
                await act(connection, await self._log.opened(stored))
            await connection.execute(_MOVED, (upto, self._name))
            return len(stored)

    async def _anything(self) -> bool:
        """In one round trip: every append asks. What is not ours is passed by many at a time."""
        asked = {"name": self._name, "topics": self._topics, "most": LAZY}
        ((anything,),) = await self._log.database.rows(_ANYTHING, asked)
        return bool(anything)

    async def begin(self) -> None:
        """At the end of the log, if it is not under way already."""
        await self._log.database.write(_BEGIN, (self._name,))


@asynccontextmanager
async def nudged(database: Database) -> AsyncIterator[Callable[[float], Awaitable[None]]]:
    """Something that waits for the next append to the log, so many seconds at most."""
    try:
        async with await database.connect() as connection:
            await connection.execute("listen darkroom_events")

            async def wait(seconds: float) -> None:
                async for _ in connection.notifies(timeout=seconds, stop_after=1):
                    pass

            yield wait
    except DOWN as error:
        raise Unavailable(dependency="database") from error


_POSITION = "select position from reactors.progress where name = %s for update"
_BEGIN = """
    insert into reactors.progress (name, position)
    select %s, coalesce(max(notification_id), 0) from log.darkroom_events
    on conflict do nothing"""
_ANYTHING = """
    select exists (
        select from log.darkroom_events e
        where e.notification_id > p.position and e.topic = any(%(topics)s))
        or (select max(notification_id) from log.darkroom_events) > p.position + %(most)s
    from reactors.progress p where p.name = %(name)s"""
_NEXT = """
    select originator_id, originator_version, topic, state, notification_id
    from log.darkroom_events
    where topic = any(%s) and notification_id > %s and notification_id <= %s
    order by notification_id limit %s"""
_MOVED = "update reactors.progress set position = %s where name = %s"
