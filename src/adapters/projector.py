"""Follows the log into one read model: at least once and in order, with effect exactly once."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import psycopg
import structlog
from eventsourcing.persistence import Notification
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig
from psycopg import AsyncConnection

from adapters import metrics
from adapters.database import DOWN
from adapters.event_store import EventLog
from adapters.jetstream import GONE, Names, heed_cancellation, received
from adapters.read_model import PositionMoved, ReadModel
from domain.refusals import Unavailable
from domain.stream import Recorded

PAGE = 500
IDLE = 1.0  # seconds without a message after which the log itself is asked
BLIND = 0.05  # seconds between looks at the log while NATS is away
STANDBY = 0.5

_log = structlog.get_logger()

Connection = AsyncConnection[Any]
Subscription = JetStreamContext.PullSubscription
Followed = Callable[[str, Sequence[Recorded[Any]], int], None]
"""Told what was done with which events, since when: for traces."""


class Projector:
    """One read model's only writer, or its standby.

    A message that is lost, doubled, early or late does not matter: each names the position before
    it, and wherever the chain is broken the log is read instead.
    """

    def __init__(
        self,
        model: ReadModel[Any],
        log: EventLog,
        nc: Client,
        names: Names,
        followed: Followed | None = None,
    ) -> None:
        self._model = model
        self._events = log
        self._nc = nc
        self._names = names
        self._followed = followed
        self._position = 0
        self._parked: set[Any] = set()

    async def run(self) -> None:
        """For ever, through restarts of either server."""
        while True:
            try:
                conninfo = self._events.database.conninfo
                async with await psycopg.AsyncConnection.connect(
                    conninfo, autocommit=True, connect_timeout=5
                ) as connection:
                    await self._lead(connection)
            except (*DOWN, Unavailable) as error:
                _log.warning("projector interrupted", model=self._model.schema, reason=str(error))
                await asyncio.sleep(STANDBY)

    async def _lead(self, connection: Connection) -> None:
        while not await self._elected(connection):  # noqa: ASYNC110 - the lock is in the database
            await asyncio.sleep(STANDBY)
        await self._look(connection)
        await self._catch_up(connection)
        subscription: Subscription | None = None
        while True:
            try:
                subscription = subscription or await self._subscribe()
                await self._follow(connection, subscription)
            except PositionMoved:
                await self._look(connection)
            except GONE:
                subscription = None
                await asyncio.sleep(BLIND)
                await self._catch_up(connection)

    async def _elected(self, connection: Connection) -> bool:
        cursor = await connection.execute(
            "select pg_try_advisory_lock(hashtext(%s))", (f"projector of {self._model.schema}",)
        )
        row = await cursor.fetchone()
        return bool(row and row[0])

    async def _look(self, connection: Connection) -> None:
        self._position = await self._model.position(connection)
        self._parked = await self._model.parked(connection)

    async def _subscribe(self) -> Subscription:
        return await self._nc.jetstream().pull_subscribe(
            self._names.subjects,
            durable=f"{self._names.namespace}-{self._model.schema}",
            stream=self._names.stream,
            config=ConsumerConfig(ack_policy=AckPolicy.ALL, max_ack_pending=10 * PAGE, ack_wait=30),
        )

    async def _follow(self, connection: Connection, subscription: Subscription) -> None:
        messages: list[Msg] = []
        with suppress(TimeoutError):
            messages = await subscription.fetch(PAGE, timeout=IDLE)
        heed_cancellation()
        if not messages:
            if not self._nc.is_connected:
                raise ConnectionError("NATS is away")
            await subscription.consumer_info()  # a wiped NATS has forgotten us, and says so here
            await self._catch_up(connection)
            return
        fresh = self._chained([received(message) for message in messages])
        if fresh is None:
            await self._catch_up(connection)
        elif fresh:
            await self._apply(connection, fresh)
        await messages[-1].ack()

    def _chained(self, messages: Sequence[tuple[Notification, int]]) -> list[Notification] | None:
        """The events that are new to us; None if one is missing before or between them."""
        position = self._position
        fresh: list[Notification] = []
        for event, previous in messages:
            if event.id <= position:
                continue
            if previous > position or (fresh and previous != position):
                return None
            position = event.id
            fresh.append(event)
        return fresh

    async def _catch_up(self, connection: Connection) -> None:
        """Read the log itself from our position to its end."""
        try:
            while page := await self._events.recorder.page(self._position, PAGE):
                await self._apply(connection, page)
        except PositionMoved:
            await self._look(connection)

    async def _apply(self, connection: Connection, page: Sequence[Notification]) -> None:
        await self._project(connection, await self._events.opened(page))
        with suppress(*GONE):
            subject = self._names.position(self._model.schema)
            await self._nc.publish(subject, str(self._position).encode())

    async def _project(self, connection: Connection, events: Sequence[Recorded[Any]]) -> None:
        """All of it in one transaction; if that fails, in halves, until the bad event is alone."""
        if any(event.stream_id in self._parked for event in events) and len(events) > 1:
            await self._halves(connection, events)
            return
        upto, began = events[-1].position, time.time_ns()
        assert upto is not None
        try:
            if events[0].stream_id in self._parked:
                raise RuntimeError("an earlier event of this stream is parked")
            await self._model.apply(connection, events, after=self._position, upto=upto)
        except (PositionMoved, *DOWN):
            raise
        except Exception as error:
            if len(events) > 1:
                await self._halves(connection, events)
                return
            await self._park(connection, events[0], error)
        self._position = upto
        metrics.PROJECTED.labels(self._model.schema).inc(len(events))
        if self._followed:
            self._followed(f"project {self._model.schema}", events, began)

    async def _halves(self, connection: Connection, events: Sequence[Recorded[Any]]) -> None:
        middle = len(events) // 2
        await self._project(connection, events[:middle])
        await self._project(connection, events[middle:])

    async def _park(self, connection: Connection, event: Recorded[Any], error: Exception) -> None:
        if not self._model.concerns(event):
            raise error
        _log.error(
            "event parked", model=self._model.schema, position=event.position, exc_info=error
        )
        reason = f"{type(error).__name__}: {error}"
        await self._model.park(connection, event, reason, after=self._position)
        self._parked.add(event.stream_id)
