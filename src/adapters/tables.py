"""Rows put into the tables of one generation of a read model, as JSON: many in one statement."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from operator import neg
from typing import Any, LiteralString, TypeVar

import msgspec
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from projections.projection import Tallied

D = TypeVar("D", bound=msgspec.Struct)
Connection = AsyncConnection[Any]


class Tables:
    """Statements are composed once: that costs more than to send them."""

    def __init__(self, schema: str) -> None:
        self._schema = schema
        self._composed: dict[str, bytes] = {}

    async def put(
        self, connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Any]
    ) -> None:
        """In place of those with the same key, which is the first column."""
        upsert = self._merge(table, columns, "excluded.{0}")
        await connection.execute(upsert, (_json(rows),), prepare=True)

    async def count(
        self,
        connection: Connection,
        tallied: Tallied[D],
        gained: Iterable[D | None],
        lost: Iterable[D | None],
    ) -> None:
        """Add to the counters what documents count for beyond those that they replace."""
        names = (*tallied.key, *tallied.counters.__struct_fields__)
        sums = summed(tallied, gained, lost)
        rows = [dict(zip(names, row, strict=True)) for row in sums]
        if rows:
            tally = self._merge(
                tallied.table, list(rows[0]), "t.{0} + excluded.{0}", keys=len(tallied.key)
            )
            await connection.execute(tally, (_json(rows),), prepare=True)
        fewer = [row for row in rows if any(row[it] < 0 for it in row if it not in tallied.key)]
        if fewer:
            sweep = self._sweep(tallied, list(fewer[0]))
            await connection.execute(sweep, (_json(fewer),), prepare=True)

    def _merge(
        self, table: str, columns: Sequence[str], change: LiteralString, keys: int = 1
    ) -> bytes:
        """Insert rows given in JSON; where the key, the first columns, is known, apply `change`."""
        if table not in self._composed:
            changes = [SQL("{0} = " + change).format(Identifier(it)) for it in columns[keys:]]
            self._composed[table] = (
                SQL(
                    "insert into {schema}.{table} as t ({columns}) select {columns}"
                    " from jsonb_populate_recordset(null::{schema}.{table}, %s::jsonb)"
                    " on conflict ({key}) do update set {changes}"
                )
                .format(
                    schema=Identifier(self._schema),
                    table=Identifier(table),
                    columns=SQL(", ").join(map(Identifier, columns)),
                    key=SQL(", ").join(map(Identifier, columns[:keys])),
                    changes=SQL(", ").join(changes),
                )
                .as_bytes(None)
            )
        return self._composed[table]

    def _sweep(self, tallied: Tallied[D], columns: Sequence[str]) -> bytes:
        """Delete those of the rows given in JSON that count nothing any more."""
        what = f"sweep {tallied.table}"
        if what not in self._composed:
            conditions = [
                SQL("t.{0} = g.{0}" if it in tallied.key else "t.{0} = 0").format(Identifier(it))
                for it in columns
            ]
            self._composed[what] = (
                SQL(
                    "delete from {table} t using"
                    " jsonb_populate_recordset(null::{table}, %s::jsonb) g where {which}"
                )
                .format(
                    table=Identifier(self._schema, tallied.table),
                    which=SQL(" and ").join(conditions),
                )
                .as_bytes(None)
            )
        return self._composed[what]


def summed(
    tallied: Tallied[D], gained: Iterable[D | None], lost: Iterable[D | None] = ()
) -> list[Sequence[Any]]:
    """What documents count for beyond others: rows of key and sums, none where that is nothing."""
    parts = defaultdict[tuple[Any, ...], list[tuple[int, ...]]](list)
    for document in gained:
        for key, counted in tallied.count(document).items():
            parts[key].append(msgspec.structs.astuple(counted))
    for document in lost:
        for key, counted in tallied.count(document).items():
            parts[key].append(tuple(map(neg, msgspec.structs.astuple(counted))))
    sums = ((key, [*map(sum, zip(*parts, strict=True))]) for key, parts in parts.items())
    return [(*key, *sum) for key, sum in sums if any(sum)]


def _json(rows: Sequence[Any]) -> str:
    return msgspec.json.encode(rows).decode()
