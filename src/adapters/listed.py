"""Lists by time of a read model, by page or by cursor, each with the count of all."""

from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from adapters.database import Database
from projections import cursors

T = TypeVar("T")


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """Of the last row that was shown."""

    at: Annotated[datetime, Meta(tz=True)]
    id: UUID


async def listed(
    database: Database,
    decoder: msgspec.json.Decoder[T],
    *,
    table: str,
    at: str,
    where: str = "true",
    parameters: dict[str, Any] | None = None,
    limit: int,
    page: int,
    cursor: str | None,
    newest: bool = False,
) -> tuple[list[T], int, str | None]:
    """Rows of `table`, in the order of its column `at` and then `id`; how many match; where to go
    on. `table`, `at` and `where`, in which the row is called `r`, are our own words. Raises
    Validation for a cursor that is none.
    """
    asked = (parameters or {}) | {"limit": limit + 1, "offset": (page - 1) * limit}
    ((total,),) = await database.rows(
        f"select count(*) from {table} r where {where}",  # noqa: S608 - our own words
        parameters or {},
    )
    way, beyond = ("desc", "<") if newest else ("asc", ">")
    if cursor:
        where += f" and (r.{at}, r.id) {beyond} (%(at)s, %(id)s)"
        last = cursors.read(cursor, _Place)
        asked |= {"at": last.at, "id": last.id, "offset": 0}
    rows = await database.rows(
        f"select row_to_json(r)::text from {table} r where {where}"  # noqa: S608 - our own words
        f" order by r.{at} {way}, r.id {way} limit %(limit)s offset %(offset)s",
        asked,
    )
    found = [decoder.decode(row) for (row,) in rows]
    shown: list[Any] = found[:limit]
    more = len(found) > limit
    following = cursors.written(_Place(getattr(shown[-1], at), shown[-1].id)) if more else None
    return shown, total, following
