"""Making deleted bytes unreadable: databases only mark them as free, and keep their history."""

from collections.abc import Callable

import aiohttp
import psycopg
from psycopg.sql import SQL, Identifier

from domain.refusals import Unavailable

Report = Callable[[str], None]
"""Called with each thing that is about to be rewritten."""


def rewrite_tables(conninfo: str, report: Report) -> None:
    """Every table that holds content in the clear, or keys, into new files; readers wait for it.

    The log itself holds content only sealed. Statistics are samples of rows: they are made anew.
    """
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for schema, table, columns in connection.execute(_TABLES).fetchall():
            report(f"{schema}.{table}")
            name = SQL("{0}.{1}").format(Identifier(schema), Identifier(table))
            for column in columns:
                connection.execute(_FORGET, (schema, table, column))
            connection.execute(SQL("vacuum (full, analyze) {0}").format(name))
        connection.execute("vacuum full pg_catalog.pg_statistic")
        report("write-ahead log")
        for _ in range(
            2
        ):  # segments are dropped once the checkpoint before the last needs them not
            connection.execute("select pg_switch_wal()")
            connection.execute("checkpoint")


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
_FORGET = "select pg_clear_attribute_stats(%s, %s, %s, false)"
