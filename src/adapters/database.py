"""One pool of Postgres connections for a process; a database that is down is a refusal."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from adapters import metrics
from domain.refusals import Unavailable

CONNECT_TIMEOUT = 5.0
IDLE = 60.0
"""Seconds until a connection that nobody needs is closed: each is a process of its own."""
KEEPALIVE = 5
"""Seconds of silence after which a server that is gone is noticed, where nothing is asked of it."""
DOWN = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, ConnectionError)
"""What a lost, refused or restarting server looks like; anything else is our mistake."""

T = TypeVar("T")

Pool = AsyncConnectionPool[AsyncConnection[TupleRow]]
Row = tuple[Any, ...]


class Database:
    """Short statements on pooled connections. Reads meet a restarted server with one fresh try."""

    def __init__(self, conninfo: str, *, max_size: int = 20) -> None:
        self.conninfo = conninfo
        self.pool: Pool = AsyncConnectionPool(
            conninfo,
            min_size=1,
            max_size=max_size,
            timeout=CONNECT_TIMEOUT,
            max_idle=IDLE,
            open=False,
            kwargs={"autocommit": True, "connect_timeout": int(CONNECT_TIMEOUT)},
        )

    async def open(self) -> None:
        await self.pool.open()

    async def close(self) -> None:
        await self.pool.close(timeout=2)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[TupleRow]]:
        """A connection in autocommit. Raises Unavailable if the server is not there."""
        began = time.perf_counter()
        try:
            async with self.pool.connection() as connection:
                metrics.POOL_SECONDS.observe(time.perf_counter() - began)
                yield connection
        except DOWN as error:
            raise Unavailable(dependency="database") from error

    async def connect(self) -> AsyncConnection[TupleRow]:
        """A connection of one's own, beside the pool: for locks, and for what is listened to."""
        return await AsyncConnection.connect(
            self.conninfo,
            autocommit=True,
            connect_timeout=int(CONNECT_TIMEOUT),
            keepalives_idle=KEEPALIVE,
        )

    async def rows(
        self,
        query: str,
        parameters: Sequence[Any] | dict[str, Any] = (),
        *,
        plan_once: bool = True,
    ) -> list[Row]:
        """All rows of a statement that may be asked twice, as tuples: one that reads, mostly.

        Postgres may plan it once for whatever values. Where these decide what is the shortest way,
        as rare and common tags do, it costs a millisecond to let it plan each time.
        """

        async def read() -> list[Row]:
            async with self.connection() as connection:
                cursor = await connection.execute(
                    _own(query), parameters, prepare=plan_once, binary=True
                )
                return await cursor.fetchall()

        return await _twice(read)

    async def records(
        self, query: str, parameters: Sequence[Any] | dict[str, Any] = ()
    ) -> list[dict[str, Any]]:
        """All rows of such a statement, by column name."""

        async def read() -> list[dict[str, Any]]:
            async with (
                self.connection() as connection,
                connection.cursor(row_factory=dict_row) as cursor,
            ):
                await cursor.execute(_own(query), parameters, prepare=True)
                return await cursor.fetchall()

        return await _twice(read)

    async def write(self, query: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> int:
        """One statement that changes rows, asked once: how many it changed."""
        async with self.connection() as connection:
            return (await connection.execute(_own(query), parameters)).rowcount

    async def changed(
        self, query: str, parameters: Sequence[Any] | dict[str, Any] = ()
    ) -> list[Row]:
        """One statement that changes rows, asked once: what it returns of them."""
        async with self.connection() as connection:
            return await (await connection.execute(_own(query), parameters)).fetchall()

    async def run(self, statements: str) -> None:
        """Statements without parameters: DDL."""
        async with self.connection() as connection:
            await connection.execute(_own(statements))


class OneConnection:
    """The only one that somebody needs: made when it is asked for, and again when it was lost."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: AsyncConnection[TupleRow] | None = None
        self._connecting = asyncio.Lock()

    async def get(self) -> AsyncConnection[TupleRow]:
        """Raises one of DOWN."""
        async with self._connecting:
            if self._connection is None or self._connection.closed:
                self._connection = await self._database.connect()
            return self._connection

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            await connection.close()


async def _twice(read: Callable[[], Awaitable[T]]) -> T:
    """The connection may be one that a restarted server knows no more: then by a fresh one."""
    try:
        return await read()
    except Unavailable:
        return await read()


def _own(query: str) -> bytes:
    """psycopg types its queries as literals, against injection; ours hold nothing a caller sent."""
    return query.encode()
