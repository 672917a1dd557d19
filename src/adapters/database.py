"""One pool of Postgres connections for a process; a database that is down is a refusal."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from adapters import metrics
from domain.refusals import Unavailable

CONNECT_TIMEOUT = 5.0
IDLE = 60.0
"""Seconds until a connection that nobody needs is closed: each is a process of its own."""
DOWN = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, ConnectionError)
"""What a lost, refused or restarting server looks like; anything else is our mistake."""

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

    async def rows(
        self,
        query: str,
        parameters: Sequence[Any] | dict[str, Any] = (),
        *,
        plan_once: bool = True,
    ) -> list[Row]:
        """All rows of a reading statement, as tuples.

        Postgres may plan it once for whatever values. Where these decide what is the shortest way,
        as rare and common tags do, it costs a millisecond to let it plan each time.
        """
        for last in (False, True):
            try:
                async with self.connection() as connection:
                    cursor = await connection.execute(
                        _own(query), parameters, prepare=plan_once, binary=True
                    )
                    return await cursor.fetchall()
            except Unavailable:
                if last:
                    raise
        raise AssertionError("unreachable")

    async def records(
        self, query: str, parameters: Sequence[Any] | dict[str, Any] = ()
    ) -> list[dict[str, Any]]:
        """All rows of a reading statement, by column name."""
        for last in (False, True):
            try:
                async with (
                    self.connection() as connection,
                    connection.cursor(row_factory=dict_row) as cursor,
                ):
                    await cursor.execute(_own(query), parameters, prepare=True)
                    return await cursor.fetchall()
            except Unavailable:
                if last:
                    raise
        raise AssertionError("unreachable")

    async def run(self, statements: str) -> None:
        """Statements without parameters: DDL."""
        async with self.connection() as connection:
            await connection.execute(_own(statements))


def _own(query: str) -> bytes:
    """psycopg types its queries as literals, against injection; ours hold nothing a caller sent."""
    return query.encode()
