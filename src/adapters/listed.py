"""Lists by time of a read model, by page or by cursor, each with the count of all."""

from typing import Any, TypeVar

import msgspec

from adapters.cursors import Cursor
from adapters.database import Database

T = TypeVar("T")


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
        last = Cursor.read(cursor)
        asked |= {"at": last.at, "id": last.id, "offset": 0}
    rows = await database.rows(
        f"select row_to_json(r)::text from {table} r where {where}"  # noqa: S608 - our own words
        f" order by r.{at} {way}, r.id {way} limit %(limit)s offset %(offset)s",
        asked,
    )
    found = [decoder.decode(row) for (row,) in rows]
    shown: list[Any] = found[:limit]
    more = len(found) > limit
    following = Cursor(getattr(shown[-1], at), shown[-1].id).text if more else None
    return shown, total, following
