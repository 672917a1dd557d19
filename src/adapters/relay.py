"""From the log to NATS: every event, in order, once; whoever of several relays is first."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from nats.aio.client import Client
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from adapters import jetstream, metrics
from adapters.database import DOWN
from adapters.event_store import EventLog
from adapters.jetstream import GONE, Names, Refused
from domain.refusals import Unavailable

PAGE = 1_000
POLL = 0.5  # seconds; a notification that got lost costs no more than this
STANDBY = 0.5

_log = structlog.get_logger()


class Relay:
    """The stream's last message is the cursor: there is no second truth to fall out of step.

    The advisory lock only saves standbys the work; what keeps order is the expected sequence.
    """

    def __init__(
        self, log: EventLog, nc: Client, names: Names, floor: Callable[[], Awaitable[int]]
    ) -> None:
        self._events = log
        self._nc = nc
        self._names = names
        self._floor = floor
        self.position = 0

    async def run(self) -> None:
        """For ever: lead, or stand by; through restarts of either server."""
        while True:
            try:
                async with await self._events.database.connect() as connection:
                    await self._lead(connection)
            except (*DOWN, *GONE, Unavailable, Refused) as error:
                _log.warning("relay interrupted", reason=str(error) or type(error).__name__)
                await asyncio.sleep(POLL)

    async def _lead(self, connection: AsyncConnection[TupleRow]) -> None:
        while not await _elected(connection):  # noqa: ASYNC110 - the lock is in the database
            await asyncio.sleep(STANDBY)
        await connection.execute("listen darkroom_events")
        self.position, sequence = await self._start()
        while True:
            sequence = await self._publish_new(sequence)
            jetstream.heed_cancellation()
            async for _ in connection.notifies(timeout=POLL, stop_after=1):
                pass

    async def _start(self) -> tuple[int, int]:
        """Where the stream ends. One that is ahead of the log belongs to another life of it."""
        js = self._nc.jetstream()
        await jetstream.ensure_stream(js, self._names)
        await jetstream.let_unused_go(js, self._names)
        position, sequence = await jetstream.cursor(js, self._names)
        if position is not None and position > await self._events.head():
            await js.purge_stream(self._names.stream)
            position = None
        return (await self._floor() if position is None else position), sequence

    async def _publish_new(self, sequence: int) -> int:
        while page := await self._events.recorder.page(self.position, PAGE):
            sequence = await jetstream.publish(
                self._nc, self._names, page, previous=self.position, sequence=sequence
            )
            self.position = page[-1].id
            metrics.PUBLISHED.inc(len(page))
            if len(page) < PAGE:
                break  # whatever came meanwhile has notified us
        return sequence


async def _elected(connection: AsyncConnection[TupleRow]) -> bool:
    cursor = await connection.execute("select pg_try_advisory_lock(hashtext('relay'))")
    row = await cursor.fetchone()
    return bool(row and row[0])
