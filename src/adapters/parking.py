"""The Parking port over the tables of all read models."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import msgspec
from psycopg.sql import SQL, Identifier, Literal

from adapters.database import DOWN
from adapters.event_store import EventLog
from adapters.feeding import passing_over, told
from adapters.read_model import ReadModel
from commands.ports import EventStore
from commands.upkeep import Parked, Tried
from projections.projection import PROJECTIONS


class LogParking:
    def __init__(self, log: EventLog, store: EventStore) -> None:
        self._log = log
        self._store = store
        self.models: Sequence[str] = list(PROJECTIONS)

    async def page(self, after: tuple[int, str], limit: int, *, skip: int = 0) -> Sequence[Parked]:
        return await self._found("(position, model) > (%s, %s)", (*after, limit, skip))

    async def total(self) -> int:
        query = f"select count(*) from ({_ALL}) parked"  # noqa: S608 - our own words
        ((total,),) = await self._log.database.rows(query)
        return int(total)

    async def at(self, position: int) -> Sequence[Parked]:
        return await self._found("position = %s", (position, len(PROJECTIONS), 0))

    async def again(self, parked: Parked) -> Tried:
        model, taken, error = ReadModel(PROJECTIONS[parked.model]), 0, None
        await passing_over(model, self._log)
        history: Callable[[], Awaitable[Any]] = partial(self._store.load, parked.stream_id)
        async with self._log.database.connection() as connection:
            try:
                taken = await model.refold(connection, parked.stream_id, history)
            except DOWN:
                raise
            except Exception as failure:  # it is still what it was parked for
                error = told(failure)
        return Tried(model=parked.model, position=parked.position, taken=taken, error=error)

    async def _found(self, which: str, parameters: Sequence[Any]) -> Sequence[Parked]:
        query = (
            f"select * from ({_ALL}) parked where {which}"  # noqa: S608 - our own words
            " order by position, model limit %s offset %s"
        )
        return msgspec.convert(await self._log.database.records(query, parameters), list[Parked])


_ONE = SQL("select {0}::text as model, position, stream_id, topic, error, at from {1}.parked")
_ALL = " union all ".join(
    _ONE.format(Literal(name), Identifier(name)).as_string(None) for name in PROJECTIONS
)
