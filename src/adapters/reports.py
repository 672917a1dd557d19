"""The Cases port over the read model."""

from typing import Any
from uuid import UUID

import msgspec

from adapters.cursors import Cursor
from adapters.database import Database
from projections.reports import Case, Docket, Wanted

_CASE = msgspec.json.Decoder(Case)


class PostgresCases:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, id: UUID) -> Case | None:
        rows = await self._database.rows(
            "select row_to_json(c)::text from reports.cases c where id = %s", (id,)
        )
        return _CASE.decode(rows[0][0]) if rows else None

    async def list(self, wanted: Wanted) -> Docket:
        where, parameters = _conditions(wanted)
        ((total,),) = await self._database.rows(
            f"select count(*) from reports.cases c where {where}",  # noqa: S608 - our own words
            parameters,
        )
        if wanted.cursor:
            where += " and (c.filed_at, c.id) > (%(at)s, %(id)s)"
            last = Cursor.read(wanted.cursor)
            parameters |= {"at": last.at, "id": last.id}
        offset = 0 if wanted.cursor else (wanted.page - 1) * wanted.limit
        rows = await self._database.rows(
            f"select row_to_json(c)::text from reports.cases c where {where}"  # noqa: S608
            " order by c.filed_at, c.id limit %(limit)s offset %(offset)s",
            parameters | {"limit": wanted.limit + 1, "offset": offset},
        )
        cases = [_CASE.decode(row) for (row,) in rows]
        shown = cases[: wanted.limit]
        more = len(cases) > wanted.limit
        return Docket(
            cases=shown,
            total=total,
            next_cursor=Cursor(shown[-1].filed_at, shown[-1].id).text if more else None,
        )


def _conditions(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    parameters: dict[str, Any] = {}
    where = ["true"]
    if wanted.resolved is not None:
        where.append("c.resolution is not null" if wanted.resolved else "c.resolution is null")
    if wanted.image_id is not None:
        parameters["image"] = wanted.image_id
        where.append("c.image_id = %(image)s")
    return " and ".join(where), parameters
