"""The next generation of a read model, built beside the running one and swapped in."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from adapters.event_store import EventLog
from adapters.read_model import ReadModel, generation_lock
from projections.projection import Projection

PAGE = 2_000

Report = Callable[[str, int, int], None]
"""Called with a projection's name, its position, and the head of the log."""


class RebuildReport(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    events: int
    seconds: float


async def rebuild(
    projection: Projection[Any],
    log: EventLog,
    report: Report,
    finish: Callable[[str], Awaitable[None]] | None = None,
) -> RebuildReport:
    """Replay the whole log into a new schema, then rename it into place in one transaction.

    Readers see the old generation until the swap, and never anything between. The new one need not
    reach the end of the log, which moves: it must only not be older than the one it replaces.
    `finish` is given the new schema's name before the swap, to do what the projection does beyond
    its tables.
    """
    began, model = time.monotonic(), ReadModel(projection, f"{projection.name}_next")
    conninfo = log.database.conninfo
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        only = SQL("select pg_advisory_lock(hashtext({0}))").format(f"rebuild of {projection.name}")
        await connection.execute(only)
        await model.drop(connection)
        await model.create(connection)
        events = await _replay(model, log, connection, report, upto=await log.head())
        if finish:
            await finish(model.schema)
        events += await _replay(model, log, connection, report, upto=await log.head())
        async with connection.transaction():
            await connection.execute(
                "select pg_advisory_xact_lock(hashtext(%s))", (generation_lock(projection.name),)
            )
            standing = await ReadModel(projection).position(connection)
            events += await _replay(model, log, connection, report, upto=standing)
            await _swap(connection, projection.name)
    return RebuildReport(
        name=projection.name, events=events, seconds=round(time.monotonic() - began, 3)
    )


async def _replay(
    model: ReadModel[Any],
    log: EventLog,
    connection: AsyncConnection[Any],
    report: Report,
    *,
    upto: int,
) -> int:
    """From where the model stands to `upto` at least. Returns how many events that were."""
    count, position = 0, await model.position(connection)
    while position < upto and (page := await log.recorder.page(position, PAGE)):
        events = await log.opened(page)
        await model.apply(connection, events, after=position, upto=page[-1].id)
        position, count = page[-1].id, count + len(page)
        report(model.projection.name, position, await log.head())
    return count


async def _swap(connection: AsyncConnection[Any], name: str) -> None:
    now, new, old = Identifier(name), Identifier(f"{name}_next"), Identifier(f"{name}_old")
    await connection.execute(SQL("drop schema if exists {0} cascade").format(old))
    await connection.execute(SQL("alter schema {0} rename to {1}").format(now, old))
    await connection.execute(SQL("alter schema {0} rename to {1}").format(new, now))
    await connection.execute(SQL("drop schema {0} cascade").format(old))
