"""The Claims port: advisory locks of Postgres, all of a process on one connection of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from adapters.database import CONNECT_TIMEOUT, DOWN, Database
from domain.refusals import Unavailable

LOOK = 0.05
"""Seconds between looks whether another process is done."""


class PostgresClaims:
    """A claim is gone with its connection: then something may be made twice, and no harm done."""

    def __init__(self, database: Database) -> None:
        self._conninfo = database.conninfo
        self._connection: AsyncConnection[TupleRow] | None = None
        self._connecting = asyncio.Lock()

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
        if self._connection:
            await self._connection.close()

    async def _asked(self, question: str, key: str) -> bool:
        try:
            connection = await self._connected()
            cursor = await connection.execute(question.encode(), (key,), prepare=True)
            row = await cursor.fetchone()
        except DOWN as error:
            raise Unavailable(dependency="database") from error
        return bool(row and row[0])

    async def _connected(self) -> AsyncConnection[TupleRow]:
        async with self._connecting:
            if self._connection is None or self._connection.closed:
                self._connection = await psycopg.AsyncConnection.connect(
                    self._conninfo, autocommit=True, connect_timeout=int(CONNECT_TIMEOUT)
                )
            return self._connection


_TAKE = "select pg_try_advisory_lock(hashtextextended(%s, 0))"
_LEAVE = "select pg_advisory_unlock(hashtextextended(%s, 0))"
