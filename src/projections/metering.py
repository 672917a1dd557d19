"""The reactor that meters: every hour, what each owner used in it; once a month, the closing."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from commands.execute import Stream, execute, execute_together
from commands.ports import Batch, EventStore, StreamMoved
from commands.turns import in_turns
from domain import statement
from domain.ids import NOBODY, AccountId
from domain.statement import (
    Statement,
    StatementEvent,
    StatementOpened,
    Usage,
    month_of,
    statement_id,
)

HOUR = timedelta(hours=1)
SETTLING = timedelta(minutes=2)
"""After an hour's end: by then every process has written down what it counted in it."""
CLOSING = timedelta(hours=24)
"""After a month's end; what comes to light later is a line of its own, in a later month."""
AT_ONCE = 8
TOGETHER = 200
"""Owners whose hour is noted in one append."""


class Owner(msgspec.Struct, frozen=True):
    id: AccountId
    organization: bool


class Due(msgspec.Struct, frozen=True):
    """What an owner used in one hour, all of it."""

    owner: Owner
    hour: datetime
    usage: Usage


class Standing(msgspec.Struct, frozen=True):
    """An owner's statement of a month as far as one hour of it goes; None before it is opened."""

    statement: Statement | None = None
    version: int = 0


class Meters(Protocol):
    """What the log and the counts say; kept up to date by `follow`."""

    async def follow(self) -> None:
        """Take in whatever is new in the log."""
        ...

    async def metered_until(self, now: datetime) -> datetime:
        """The first hour that is not metered; before the first time the hour of `now`."""
        ...

    async def used(self, hour: datetime) -> Sequence[Due]:
        """By everybody who used anything."""
        ...

    async def late(self) -> Sequence[Due]:
        """Of hours that were metered, but differently."""
        ...

    async def settled(self, due: Collection[Due]) -> None:
        """What was late is late no more."""
        ...

    async def advance(self, hour: datetime) -> None:
        """Everything before it is metered."""
        ...

    async def open_before(self, month: str) -> Sequence[tuple[Owner, str]]:
        """Statements of earlier months that are not closed: whose, and the month."""
        ...

    async def closed(self, owner_id: AccountId, month: str) -> bool: ...

    async def standing(
        self, owners: Sequence[AccountId], hour: datetime
    ) -> Mapping[AccountId, Standing]:
        """As of the last `follow`: who appends on top of it finds out whether it still is so."""
        ...


class Meter:
    def __init__(self, meters: Meters, *, store: EventStore, now: Callable[[], datetime]) -> None:
        self._meters = meters
        self._store = store
        self._now = now

    async def work(self) -> int:
        """Whatever is due by now. Returns how many lines that were."""
        meters, now = self._meters, self._now()
        await meters.follow()
        hour, lines = await meters.metered_until(now), 0
        while hour + HOUR + SETTLING <= now:
            used = await meters.used(hour)
            for first in range(0, len(used), TOGETHER):
                lines += await self._note_together(used[first : first + TOGETHER], hour)
            hour += HOUR
            await meters.advance(hour)
            await meters.follow()  # what was noted just now is asked for next
        for owner, month in await meters.open_before(month_of(now - CLOSING)):
            lines += await self._close(owner, month)
        await meters.follow()
        if late := await meters.late():
            lines += await self._note(late)
            await meters.settled(late)
        return lines

    async def _note_together(self, dues: Sequence[Due], hour: datetime) -> int:
        """In one append, as the tables have their statements; one by one where these have moved."""
        month = month_of(hour)
        standing = await self._meters.standing([due.owner.id for due in dues], hour)
        known = [standing.get(due.owner.id, Standing()) for due in dues]
        if any(it.statement and it.statement.closed for it in known):
            return await self._note(dues)
        batches = list[Batch]()
        for due, it in zip(dues, known, strict=True):
            opened = opening(due.owner, month)
            events = statement.meter(it.statement, None, opening=opened, hour=hour, usage=due.usage)
            if events:
                id = statement_id(due.owner.id, month)
                batches.append(Batch(stream_id=id, after=it.version, events=events))
        try:
            if batches:
                await self._store.append(batches, by=NOBODY)
        except StreamMoved:
            return await self._note(dues)
        return len(batches)

    async def _note(self, dues: Sequence[Due]) -> int:
        """Owners beside each other, the hours of each one after another."""
        of_owner = defaultdict[AccountId, list[Due]](list)
        for due in dues:
            of_owner[due.owner.id].append(due)

        async def all_of(one: Sequence[Due]) -> int:
            return sum([await self._meter(due) for due in one])

        return sum(await in_turns(of_owner.values(), all_of, at_once=AT_ONCE))

    async def _meter(self, due: Due) -> bool:
        """Safe to repeat: what is noted already is not noted again."""
        own = month_of(due.hour)
        closed = await self._meters.closed(due.owner.id, own)
        month = month_of(self._now()) if closed else own
        months = [month, own] if closed else [month]

        def decide(states: Sequence[Any]) -> Sequence[Sequence[StatementEvent]]:
            past = states[1] if closed else None
            noted = statement.meter(
                states[0],
                past,
                opening=opening(due.owner, month),
                hour=due.hour,
                usage=due.usage,
            )
            return [noted, *([[]] if closed else [])]

        streams = [_stream(due.owner, it) for it in months]
        receipt = await execute_together(self._store, streams, decide, by=NOBODY)
        return receipt.position is not None

    async def _close(self, owner: Owner, month: str) -> bool:
        stream = _stream(owner, month)
        receipt = await execute(self._store, stream, statement.close, by=NOBODY)
        return receipt.position is not None


def opening(owner: Owner, month: str) -> StatementOpened:
    return StatementOpened(owner_id=owner.id, organization=owner.organization, month=month)


def _stream(owner: Owner, month: str) -> Stream[statement.Statement]:
    return Stream(statement_id(owner.id, month), statement.evolve)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Of a report: what one owner used in one period."""

    period: str
    """A day or a month, in UTC."""
    owner: Owner
    corrects: str | None = None
    """The month that was closed before this came to light; it counts to the period all the same."""
    usage: Usage


class Reports(Protocol):
    """The read port."""

    async def usage(
        self,
        since: datetime,
        until: datetime,
        *,
        by_day: bool,
        owners: Collection[AccountId] | None,
    ) -> Sequence[Line]:
        """By period, then owner; of everybody where `owners` is None."""
        ...

    async def unmetered(
        self, now: datetime, *, owners: Collection[AccountId] | None
    ) -> Sequence[Due]:
        """What was used since the last hour that was metered; it may change yet."""
        ...


def total(lines: Sequence[Line]) -> Usage:
    return sum((line.usage for line in lines), statement.NONE)
