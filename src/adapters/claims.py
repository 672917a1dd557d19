"""The Claims port: advisory locks of Postgres, all of a process on one connection of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from adapters.database import DOWN, Database, OneConnection
from domain.refusals import Unavailable

LOOK = 0.05
"""Seconds between looks whether another process is done."""


class PostgresClaims:
    """A claim is gone with its connection: then something may be made twice, and no harm done."""

    def __init__(self, database: Database) -> None:
        self._connection = OneConnection(database)

    @asynccontextmanager
    async def alone(self, key: str) -> AsyncIterator[None]:
        """Raises Unavailable."""
        while not await self._asked(_TAKE, key):  # noqa: ASYNC110 - others hold it
            await asyncio.sleep(LOOK)
        try:
            yield
        finally:
            with suppress(Unavailable):
                await self._asked(_LEAVE, key)

    async def close(self) -> None:
        await self._connection.close()

    async def _asked(self, question: str, key: str) -> bool:
        try:
            connection = await self._connection.get()
            cursor = await connection.execute(question.encode(), (key,), prepare=True)
            row = await cursor.fetchone()
        except DOWN as error:
            raise Unavailable(dependency="database") from error
        return bool(row and row[0])


_TAKE = "select pg_try_advisory_lock(hashtextextended(%s, 0))"
_LEAVE = "select pg_advisory_unlock(hashtextextended(%s, 0))"
