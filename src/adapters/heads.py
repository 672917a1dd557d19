"""The versions at the heads of streams."""

from collections.abc import Iterable, Mapping
from itertools import repeat
from uuid import UUID

from adapters.database import DOWN, Database, OneConnection
from adapters.together import Together
from domain.refusals import Unavailable


class Heads:
    """The one connection is kept: to get one from a pool and give it back costs as much as the
    statement.
    """

    def __init__(self, database: Database) -> None:
        self._connection = OneConnection(database)
        self._together = Together(self._read)

    async def of(self, stream_id: UUID) -> int | None:
        """None where there is no such stream. Raises Unavailable."""
        return await self._together.answer(stream_id)

    async def close(self) -> None:
        await self._connection.close()

    async def _read(self, asked: Mapping[UUID, int]) -> Mapping[UUID, Iterable[int | None]]:
        try:
            connection = await self._connection.get()
            cursor = await connection.execute(_HEADS, (list(asked),), prepare=True, binary=True)
            return {id: repeat(head) for id, head in await cursor.fetchall()}
        except DOWN as error:
            raise Unavailable(dependency="database") from error


_HEADS = b"""
    select asked.id, (
        select max(e.originator_version) from log.darkroom_events e
        where e.originator_id = asked.id)
    from unnest(%s::uuid[]) asked (id)"""
