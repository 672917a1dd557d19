"""Making deleted bytes unreadable: databases only mark them as free, and keep their history."""

from collections.abc import Callable
from typing import Any

import aiohttp
import psycopg
from psycopg.errors import InsufficientPrivilege
from psycopg.sql import SQL, Identifier

from domain.refusals import Unavailable

Report = Callable[[str], None]
"""Called with each thing that is about to be rewritten."""


def rewrite_tables(conninfo: str, report: Report) -> list[str]:
    """Every table that holds content in the clear, or keys, into new files; readers wait for it.

    The log itself holds content only sealed. Statistics are samples of rows: they are made anew.
    Returns what a superuser would have to do, where the connection is not one's.
    """
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for schema, table, columns in connection.execute(_TABLES).fetchall():
            report(f"{schema}.{table}")
            name = SQL("{0}.{1}").format(Identifier(schema), Identifier(table))
            for column in columns:
                connection.execute(_FORGET, (schema, table, column))
            connection.execute(SQL("vacuum (full, analyze) {0}").format(name))
        report("write-ahead log")
        return [it for it in _SERVER_WIDE if not _permitted(connection, it)]


def _permitted(connection: psycopg.Connection[Any], statement: str) -> bool:
    try:
        connection.execute(statement.encode())
    except InsufficientPrivilege:
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
            where a.attrelid = c.oid and attnum > 0 and not attisdropped)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
        and not (n.nspname = 'log' and c.relname = 'darkroom_events')
    order by 1, 2"""
_SWITCH = ("select pg_switch_wal()", "checkpoint")
_SERVER_WIDE = ("vacuum full pg_catalog.pg_statistic", *_SWITCH, *_SWITCH)
"""A segment is dropped by the second checkpoint after it."""
_FORGET = "select pg_clear_attribute_stats(%s, %s, %s, false)"
