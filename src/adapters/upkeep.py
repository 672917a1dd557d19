"""The Upkeep port over tables of its own, and those of the read models."""

from collections.abc import Sequence

import msgspec
from psycopg.sql import SQL, Identifier

from adapters.database import Database
from commands.upkeep import Parked, Rebuild


class PostgresUpkeep:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def order(self, model: str) -> None:
        await self._database.write(_ORDER, (model,))

    async def rebuilds(self) -> Sequence[Rebuild]:
        query = f"select {_COLUMNS} from upkeep.rebuilds order by model"  # noqa: S608 - our own words
        return msgspec.convert(await self._database.records(query), list[Rebuild])

    async def parked(self, model: str, limit: int) -> Sequence[Parked]:
        query = SQL(_PARKED).format(Identifier(model)).as_string(None)
        rows = await self._database.records(query, {"model": model, "limit": limit})
        return msgspec.convert(rows, list[Parked])

    async def next(self) -> str | None:
        """The read model to be made first, of those that were ordered."""
        rows = await self._database.rows(_NEXT)
        return str(rows[0][0]) if rows else None

    async def started(self, model: str) -> None:
        await self._database.write(_STARTED, (model,))

    async def reached(
        self, model: str, *, position: int, head: int, events: int, seconds: float
    ) -> None:
        await self._database.write(_REACHED, (position, head, events, seconds, model))

    async def finished(self, model: str, error: str | None = None) -> None:
        await self._database.write(_FINISHED, (error, model))


_COLUMNS = ", ".join(Rebuild.__struct_fields__)
_PARKED = """
    select %(model)s as model, position, stream_id, topic, error, at from {0}.parked
    order by position desc limit %(limit)s"""
_ORDER = """
    insert into upkeep.rebuilds as r (model) values (%s)
    on conflict (model) do update set ordered_at = now(), started_at = null, finished_at = null,
        position = 0, events = 0, seconds = 0, error = null
    where r.finished_at is not null"""
_NEXT = "select model from upkeep.rebuilds where finished_at is null order by ordered_at limit 1"
_STARTED = """
    update upkeep.rebuilds set started_at = coalesce(started_at, now()), error = null
    where model = %s"""
_REACHED = """
    update upkeep.rebuilds set position = %s, head = %s, events = %s, seconds = %s
    where model = %s"""
_FINISHED = "update upkeep.rebuilds set finished_at = now(), error = %s where model = %s"
