"""The versions at the heads of streams: whoever asks while a look is under way joins the next."""

import asyncio
from collections import defaultdict
from uuid import UUID

from adapters.database import DOWN, Database, OneConnection
from domain.refusals import Unavailable


class Heads:
    """However many ask in a process, one statement is on its way, and its cost is shared.

    Each answer was read after it was asked for: what was committed by then is in it. The one
    connection is kept: to get one from a pool and give it back costs as much as the statement.
    """

    def __init__(self, database: Database) -> None:
        self._connection = OneConnection(database)
        self._waiting: dict[UUID, list[asyncio.Future[int | None]]] = defaultdict(list)
        self._working: asyncio.Task[None] | None = None

    async def of(self, stream_id: UUID) -> int | None:
        """None where there is no such stream. Raises Unavailable."""
        answer: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._waiting[stream_id].append(answer)
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await answer

    async def close(self) -> None:
        await self._connection.close()

    async def _work(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, defaultdict(list)
            try:
                found = await self._read(list(waiting))
            except Exception as error:  # it is theirs who asked
                for answer in (it for answers in waiting.values() for it in answers):
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for id, answers in waiting.items():
                for answer in answers:
                    if not answer.done():
                        answer.set_result(found.get(id))

    async def _read(self, ids: list[UUID]) -> dict[UUID, int | None]:
        try:
            connection = await self._connection.get()
            cursor = await connection.execute(_HEADS, (ids,), prepare=True, binary=True)
            return dict(await cursor.fetchall())
        except DOWN as error:
            raise Unavailable(dependency="database") from error


_HEADS = b"""
    select asked.id, (
        select max(e.originator_version) from log.darkroom_events e
        where e.originator_id = asked.id)
    from unnest(%s::uuid[]) asked (id)"""
