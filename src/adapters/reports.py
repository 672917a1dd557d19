"""The Cases port over the read model."""

from typing import Any
from uuid import UUID

import msgspec

from adapters.database import Database
from adapters.listed import listed
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
        cases, total, following = await listed(
            self._database,
            _CASE,
            table="reports.cases",
            at="filed_at",
            where=where,
            parameters=parameters,
            limit=wanted.limit,
            page=wanted.page,
            cursor=wanted.cursor,
        )
        return Docket(cases=cases, total=total, next_cursor=following)


def _conditions(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    parameters: dict[str, Any] = {}
    where = ["true"]
    if wanted.resolved is not None:
        where.append("r.resolution is not null" if wanted.resolved else "r.resolution is null")
    if wanted.image_id is not None:
        parameters["image"] = wanted.image_id
        where.append("r.image_id = %(image)s")
    return " and ".join(where), parameters
