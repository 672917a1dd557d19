"""Rows into a table by COPY: nothing is looked for, nothing replaced."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

Connection = AsyncConnection[Any]


class Copier:
    """Into some columns of one table."""

    def __init__(self, schema: str, table: str, columns: Sequence[str]) -> None:
        self._where = (schema, table)
        self._columns = columns
        self._copy = SQL("copy {0}.{1} ({2}) from stdin").format(
            Identifier(schema), Identifier(table), SQL(", ").join(map(Identifier, columns))
        )
        self._nested: list[int] | None = None

    async def rows(self, connection: Connection, rows: Iterable[Sequence[Any]]) -> None:
        """All of them, or none."""
        async with connection.cursor() as cursor, cursor.copy(self._copy) as copy:
            for row in rows:
                await copy.write_row(row)

    async def documents(self, connection: Connection, documents: Iterable[msgspec.Struct]) -> None:
        """The columns are their fields, filled as JSON would fill them."""
        if self._nested is None:
            found = await (await connection.execute(_JSON, self._where)).fetchall()
            self._nested = [self._columns.index(name) for (name,) in found if name in self._columns]
        await self.rows(connection, (_row(it, self._nested) for it in documents))


def _row(document: msgspec.Struct, nested: Iterable[int]) -> list[Any]:
    row = list(msgspec.to_builtins(document, str_keys=True).values())
    for index in nested:
        row[index] = _encode(row[index]).decode()
    return row


_encode = msgspec.json.Encoder().encode
_JSON = """
    select attname::text from pg_attribute
    where attrelid = format('%%I.%%I', %s::text, %s::text)::regclass
        and atttypid = 'jsonb'::regtype"""
