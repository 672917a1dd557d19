"""Making deleted bytes unreadable: databases only mark them as free, and keep their history."""

from collections.abc import Callable, Sequence
from typing import Any

import aiohttp
import psycopg
from psycopg.errors import InsufficientPrivilege, LockNotAvailable
from psycopg.sql import SQL, Identifier

from domain.refusals import Unavailable

EVERYTHING = 2**63
SMALL = 64 * 1024**2
"""Bytes of a table that is rewritten in a blink."""
PATIENCE = "2s"
"""How long a table is waited for, with everybody who comes later waiting behind us."""

Report = Callable[[str], None]
"""Called with each thing that is about to be rewritten."""


def rewrite_tables(conninfo: str, report: Report, *, largest: int = EVERYTHING) -> list[str]:
    """Every table that holds content in the clear, or keys, into new files; readers wait for it.

    The log itself holds content only sealed. Statistics are samples of rows: they are made anew.
    Returns what is left: statements for a superuser, where the connection is not one's, tables of
    more bytes than `largest`, and what others held for too long.
    """
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(f"set lock_timeout = '{PATIENCE}'".encode())
        tables = connection.execute(_TABLES).fetchall()
        todo = [
            (schema, table, columns) for schema, table, columns, size in tables if size <= largest
        ]
        left = [f"{schema}.{table}" for schema, table, _, size in tables if size > largest]
        for schema, table, columns in todo:
            report(f"{schema}.{table}")
            if not _rewritten(connection, schema, table, columns):
                left.append(f"{schema}.{table}")
        report("write-ahead log")
        return left + [it for it in _SERVER_WIDE if not _permitted(connection, it)]


def _rewritten(
    connection: psycopg.Connection[Any], schema: str, table: str, columns: Sequence[str]
) -> bool:
    """False where somebody held it; one that a rebuild has dropped meanwhile is none any more."""
    name = SQL("{0}.{1}").format(Identifier(schema), Identifier(table))
    try:
        for column in columns:
            connection.execute(_FORGET, (schema, table, column))
        connection.execute(SQL("vacuum (full, analyze) {0}").format(name))
    except LockNotAvailable:
        return False
    except psycopg.ProgrammingError as error:
        if "does not exist" not in str(error):
            raise
    return True


def _permitted(connection: psycopg.Connection[Any], statement: str) -> bool:
    try:
        connection.execute(statement.encode())
    except (InsufficientPrivilege, LockNotAvailable):
        return False
    return True


async def vacuum_objects(url: str) -> None:
    """Have the object store write its volumes anew, without what was deleted."""
    try:
        async with (
            aiohttp.ClientSession(raise_for_status=True) as session,
            session.get(url) as answer,
        ):
            await answer.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unavailable(dependency="objects") from error


_TABLES = """
    select n.nspname::text, c.relname::text,
        array(select attname::text from pg_attribute a
            where a.attrelid = c.oid and attnum > 0 and not attisdropped),
        pg_total_relation_size(c.oid)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
        and not (n.nspname = 'log' and c.relname = 'darkroom_events')
    order by 1, 2"""
_SWITCH = ("select pg_switch_wal()", "checkpoint")
_SERVER_WIDE = ("vacuum full pg_catalog.pg_statistic", *_SWITCH, *_SWITCH)
"""A segment is dropped by the second checkpoint after it."""
_FORGET = "select pg_clear_attribute_stats(%s, %s, %s, false)"
