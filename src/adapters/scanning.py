"""Whose turn it is to be scanned, and who waits for an administrator; in Postgres."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from adapters.database import Database
from adapters.listed import listed
from adapters.read_model import generation_lock
from domain.ids import ImageId
from domain.refusals import Unavailable
from projections import scanning
from projections.scanning import Held, Holds, Suspect, Waiting

LONGEST = 600
"""Seconds between attempts at what the scanner cannot scan. Nothing is ever given up as clean."""


class ScanDesk:
    """One suspect at a time for each caller.

    A worker that dies gives it back at once: the row's lock goes with its connection. The verdict
    is an event, and the row only remembers that this question was answered.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def next(self, scan: Callable[[Suspect], Awaitable[None]], *, first: bool = True) -> bool:
        """Take the next one through `scan`, for the `first` time too. False if there is none."""
        if not await self._database.rows(_NEXT, (first,)):  # in one round trip: asked all the time
            return False
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(
                "select pg_advisory_xact_lock_shared(hashtext(%s))",
                (generation_lock(scanning.NAME),),
            )
            row = await (await connection.execute(_NEXT + _LOCKED, (first,))).fetchone()
            if row is None:
                return False
            id, owner_id, attempt, asked = row
            suspect = Suspect(id=id, owner_id=owner_id, attempt=attempt, asked=asked)
            try:
                await scan(suspect)
            except Unavailable:
                raise
            except Exception as error:  # one image must not keep the others waiting
                reason = f"{type(error).__name__}: {error}"[:300]
                await connection.execute(_FAILED, (reason, LONGEST, suspect.id))
                return True
            await connection.execute(_ANSWERED, (suspect.asked, suspect.id))
            return True


class PostgresScans:
    """The Scans and the Suspects port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def cleared(
        self, since: datetime | None, *, after: ImageId | None, limit: int
    ) -> Sequence[ImageId]:
        rows = await self._database.rows(_CLEARED, (since, since, after or UUID(int=0), limit))
        return [ImageId(id) for (id,) in rows]

    async def queue(
        self, *, confirmed: bool, page: int, limit: int
    ) -> tuple[Sequence[Waiting], int]:
        where = _KEPT if confirmed else _OPEN
        total = await self._database.rows(_COUNT + where)
        asked = _LIST + where + _NEWEST
        found = await self._database.records(asked, (limit, (page - 1) * limit))
        return msgspec.convert(found, list[Waiting]), total[0][0]

    async def find(self, image_id: ImageId) -> Suspect | None:
        found = await self._database.records(_FIND, (image_id,))
        return msgspec.convert(found[0], Suspect) if found else None

    async def holds(self, *, limit: int, page: int, cursor: str | None) -> Holds:
        held, total, following = await listed(
            self._database,
            _HELD,
            table="scanning.suspects",
            at="held_at",
            where="r.held_at is not null",
            limit=limit,
            page=page,
            cursor=cursor,
        )
        return Holds(held=held, total=total, next_cursor=following)


_HELD = msgspec.json.Decoder(Held)
_NEXT = """
    select id, owner_id, attempt, asked from scanning.suspects
    where asked > answered and not_before <= now() and (%s or scanner <> '')
    order by not_before, id limit 1"""
_LOCKED = " for update skip locked"
_ANSWERED = """
    update scanning.suspects
    set answered = %s, attempts = 0, not_before = '-infinity', failure = null where id = %s"""
_FAILED = """
    update scanning.suspects set attempts = attempts + 1, failure = %s,
        not_before = now() + interval '1 second' * least(power(2, least(attempts, 20)), %s)
    where id = %s"""
_CLEARED = """
    select id from scanning.suspects
    where attempt is not null and quarantined_at is null and scanner <> ''
        and (%s::timestamptz is null or finalized_at >= %s) and id > %s
    order by id limit %s"""
_OPEN = """
    (quarantined_at is not null and not confirmed or attempts > 0 or countered_at is not null)"""
_KEPT = "quarantined_at is not null and confirmed"
_COUNT = "select count(*) from scanning.suspects where "
_LIST = f"select {', '.join(Waiting.__struct_fields__)} from scanning.suspects where "  # noqa: S608 - our own words
_NEWEST = """
    order by coalesce(countered_at, quarantined_at, finalized_at) desc, id desc
    limit %s offset %s"""
_FIND = f"select {', '.join(Suspect.__struct_fields__)} from scanning.suspects where id = %s"  # noqa: S608 - our own words
