"""Follows the log into one read model: at least once and in order, with effect exactly once."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import structlog
from eventsourcing.persistence import Notification

from adapters import metrics
from adapters.database import DOWN
from adapters.event_store import EventLog
from adapters.feeding import Connection, Feeding
from adapters.hearing import Heard, Hearing
from adapters.jetstream import GONE
from adapters.positions import Announcement
from adapters.read_model import PositionMoved, ReadModel
from domain.refusals import Unavailable
from domain.stream import Recorded

PAGE = 500
IDLE = 1.0  # seconds without a message after which the log itself is asked
BLIND = 0.05  # seconds between looks at the log while NATS is away
STANDBY = 0.5
LAZY = 0.25
"""Seconds until it is written down that nothing concerned the model: most do not care for most."""

_log = structlog.get_logger()

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
        hearing: Hearing,
        announcement: Announcement,
        followed: Followed | None = None,
    ) -> None:
        self._model = model
        self._feeding = Feeding(model, log, lazy=LAZY)
        self._events = log
        self._hearing = hearing
        self._ear = hearing.ear()
        self._announcement = announcement
        self._followed = followed

    async def run(self) -> None:
        """For ever, through restarts of either server."""
        while True:
            try:
                async with await self._events.database.connect() as connection:
                    await self._lead(connection)
            except (*DOWN, Unavailable) as error:
                _log.warning("projector interrupted", model=self._model.schema, reason=str(error))
                await asyncio.sleep(STANDBY)

    async def _lead(self, connection: Connection) -> None:
        while not await self._elected(connection):  # noqa: ASYNC110 - the lock is in the database
            await asyncio.sleep(STANDBY)
        await self._listen()
        await self._feeding.look(connection)
        await self._catch_up(connection)
        while True:
            try:
                await self._follow(connection)
            except PositionMoved:
                await self._feeding.look(connection)

    async def _elected(self, connection: Connection) -> bool:
        cursor = await connection.execute(
            "select pg_try_advisory_lock(hashtext(%s))", (f"projector of {self._model.schema}",)
        )
        row = await cursor.fetchone()
        return bool(row and row[0])

    async def _follow(self, connection: Connection) -> None:
        messages = await self._ear.next(PAGE, self._patience)
        fresh = self._chained(messages)
        if not messages:
            if self._feeding.unwritten:
                await self._feeding.write(connection)
            await self._listen()
            if await self._events.lately(self._patience / 2) > self._feeding.position:
                await self._catch_up(connection)
        elif fresh is None:
            metrics.GAPS.labels(self._model.schema).inc()
            await self._catch_up(connection)
        elif fresh:
            await self._apply(connection, fresh)

    @property
    def _patience(self) -> float:
        if not self._hearing.nc.is_connected:
            return BLIND
        return LAZY if self._feeding.unwritten else IDLE

    async def _listen(self) -> None:
        """Where NATS cannot be asked, the log is, again and again."""
        if self._hearing.nc.is_connected:
            with suppress(*GONE):
                await self._hearing.listen()

    def _chained(self, messages: Sequence[Heard]) -> list[Notification] | None:
        """The events that are new to us; None if one is missing before or between them."""
        position = self._feeding.position
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
            while page := await self._events.recorder.page(self._feeding.position, PAGE):
                await self._apply(connection, page)
        except PositionMoved:
            await self._feeding.look(connection)

    async def _apply(self, connection: Connection, page: Sequence[Notification]) -> None:
        began = time.time_ns()
        events = await self._feeding.take(connection, page)
        metrics.PROJECTED.labels(self._model.schema).inc(len(events))
        if self._followed:
            self._followed(f"project {self._model.schema}", events, began)
        position = self._feeding.position
        self._announcement.moved(self._model.schema, position, concerned=bool(events))
