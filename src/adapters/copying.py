"""Rows into a table by COPY: nothing is looked for, nothing replaced."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, LiteralString

import msgspec
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

Connection = AsyncConnection[Any]


class Copier:
    """Into some columns of one table.

    A line of JSON with an array in it is a line of CSV between brackets, once control characters
    stand for themselves. So all rows of a batch are written down at once, and not value by value.
    """

    def __init__(self, schema: str, table: str, columns: Sequence[str]) -> None:
        self._where = (schema, table)
        self._columns = columns
        self._copy = SQL(
            r"copy {0}.{1} ({2}) from stdin (format csv, null 'null', escape '\')"
        ).format(Identifier(schema), Identifier(table), SQL(", ").join(map(Identifier, columns)))
        self._nested: list[int] | None = None
        self._arrays: list[int] = []

    async def rows(self, connection: Connection, rows: Iterable[Sequence[Any]]) -> None:
        """All of them, or none. Nothing in them is nested."""
        lines = _lines(rows)[1:-2].replace(b"]\n[", b"\n")  # JSON itself has no line's end
        async with connection.cursor() as cursor, cursor.copy(self._copy) as copy:
            await copy.write(_plain(lines))

    async def documents(self, connection: Connection, documents: Iterable[msgspec.Struct]) -> None:
        """The columns are their fields, filled as JSON would fill them."""
        if self._nested is None:
            self._nested = await self._found(connection, "typname = 'jsonb'")
            self._arrays = await self._found(connection, "typcategory = 'A'")
        await self.rows(connection, (self._row(it, self._nested) for it in documents))

    def _row(self, document: msgspec.Struct, nested: Iterable[int]) -> list[Any]:
        row = list(msgspec.structs.astuple(document))
        for index in nested:
            row[index] = _encode(row[index]).decode()
        for index in self._arrays:
            row[index] = f"{{{_plain(_encode(row[index])[1:-1]).decode()}}}"
        return row

    async def _found(self, connection: Connection, kind: LiteralString) -> list[int]:
        """Which columns are of that kind of types."""
        cursor = await connection.execute(SQL(_TYPED).format(SQL(kind)), self._where)
        found = {name for (name,) in await cursor.fetchall()}
        return [index for index, name in enumerate(self._columns) if name in found]


def _plain(json: bytes) -> bytes:
    """The same with a backslash only before quotes and backslashes, as CSV and arrays have it."""
    return _ESCAPE.sub(_unescaped, json) if b"\\" in json else json


def _unescaped(escape: re.Match[bytes]) -> bytes:
    found = escape[0]
    return found if found in (b'\\"', b"\\\\") else _decode(b'"%b"' % found).encode()


_ESCAPE = re.compile(rb"\\(?:u[0-9a-f]{4}|.)")
_lines = msgspec.json.Encoder().encode_lines
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(str).decode
_TYPED = """
    select a.attname::text from pg_attribute a join pg_type t on t.oid = a.atttypid
    where a.attrelid = format('%%I.%%I', %s::text, %s::text)::regclass and t.{0}"""
