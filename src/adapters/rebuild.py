"""The next generation of a read model, built beside the running one and swapped in."""

import hashlib
import time
from collections.abc import Awaitable, Callable
from functools import cache, partial
from importlib.resources import files
from typing import Any

import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from adapters.event_store import EventLog
from adapters.feeding import Feeding, passing_over
from adapters.folding import Folding
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
    """Fold the whole log into a new schema, then rename it into place in one transaction.

    Readers see the old generation until the swap, and never anything between. The new one need not
    reach the end of the log, which moves: it must only not be older than the one it replaces.
    `finish` is given the new schema's name before the swap, to do what the projection does beyond
    its tables. What was broken off goes on where it was, if it was the same code that began it.
    """
    began, model = time.monotonic(), ReadModel(projection, f"{projection.name}_next")
    conninfo = log.database.conninfo
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        only = SQL("select pg_advisory_lock(hashtext({0}))").format(rebuild_lock(projection.name))
        await connection.execute(only)
        folding, feeding = Folding(model, log), Feeding(model, log)
        await _begin(model, folding, connection)
        await passing_over(model, log)
        events = await folding.run(connection, partial(report, projection.name))
        await feeding.look(connection)
        events += await _replay(feeding, log, connection, report, upto=await log.head())
        if finish:
            await finish(model.schema)
        events += await _replay(feeding, log, connection, report, upto=await log.head())
        await drop(connection, f"{projection.name}_old")
        async with connection.transaction():
            await connection.execute(
                "select pg_advisory_xact_lock(hashtext(%s))", (generation_lock(projection.name),)
            )
            standing = await ReadModel(projection).position(connection)
            events += await _replay(feeding, log, connection, report, upto=standing)
            await _swap(connection, projection.name)
        await drop(connection, f"{projection.name}_old")
    return RebuildReport(
        name=projection.name, events=events, seconds=round(time.monotonic() - began, 3)
    )


def rebuild_lock(name: str) -> str:
    """Held by who builds the next generation."""
    return f"rebuild of {name}"


async def _begin(model: ReadModel[Any], folding: Folding, connection: AsyncConnection[Any]) -> None:
    cursor = await connection.execute(
        "select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = %s",
        (model.schema,),
    )
    row = await cursor.fetchone()
    if row and row[0] == _code():
        return
    async with connection.transaction():
        await model.drop(connection)
        await model.create(connection)
        await folding.begin(connection)
        comment = SQL("comment on schema {0} is {1}").format(Identifier(model.schema), _code())
        await connection.execute(comment)


@cache
def _code() -> str:
    """Tells one version of all that makes documents from another."""
    digest = hashlib.sha256()
    for package in ("domain", "projections"):
        for file in sorted(files(package).iterdir(), key=lambda it: it.name):
            if file.name.endswith((".py", ".sql")):
                digest.update(file.read_bytes())
    return digest.hexdigest()


async def _replay(
    feeding: Feeding,
    log: EventLog,
    connection: AsyncConnection[Any],
    report: Report,
    *,
    upto: int,
) -> int:
    """From where the model stands to `upto` at least. Returns how many events that were."""
    count = 0
    while feeding.position < upto and (page := await log.recorder.page(feeding.position, PAGE)):
        await feeding.take(connection, page)
        count += len(page)
        report(feeding.model.projection.name, feeding.position, await log.head())
    return count


async def _swap(connection: AsyncConnection[Any], name: str) -> None:
    now, new, old = Identifier(name), Identifier(f"{name}_next"), Identifier(f"{name}_old")
    await connection.execute(SQL("alter schema {0} rename to {1}").format(now, old))
    await connection.execute(SQL("alter schema {0} rename to {1}").format(new, now))
    await connection.execute(SQL("comment on schema {0} is null").format(now))


async def drop(connection: AsyncConnection[Any], generation: str) -> None:
    """Table by table: who waits for the readers of one of them holds no other, which a reader of
    both may want next."""
    rows = await (await connection.execute(_TABLES, (generation,))).fetchall()
    for (table,) in rows:
        await connection.execute(
            SQL("drop table if exists {0} cascade").format(Identifier(generation, table))
        )
    await connection.execute(
        SQL("drop schema if exists {0} cascade").format(Identifier(generation))
    )


_TABLES = "select relname from pg_class where relnamespace = to_regnamespace(%s) and relkind = 'r'"
