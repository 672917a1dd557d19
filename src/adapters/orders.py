"""In which orders the rows `i` of a list stand, and where a page of it ends."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from domain.refusals import Validation
from projections import cursors
from projections.gallery import Sort


class Order(msgspec.Struct, frozen=True):
    """A total order: what is sorted by, the type of it here and in Postgres, and which way."""

    column: str
    type: str
    key: Any
    descending: bool = True

    @property
    def sql(self) -> str:
        way = "desc" if self.descending else "asc"
        return f"{self.column} {way}, i.id {way}"

    @property
    def beyond(self) -> str:
        """What comes after the row that a cursor names."""
        sign = "<" if self.descending else ">"
        return f"({self.column}, i.id) {sign} (%(key)s::{self.type}, %(id)s::uuid)"


_MOMENT = Annotated[datetime, Meta(tz=True)]
_SIZE = Annotated[int, Meta(ge=0, le=2**62)]
_TEXT = Annotated[str, Meta(pattern=r"^[^\x00]*$")]
NEWEST = Order("i.created_at", "timestamptz", _MOMENT)
ORDERS: Mapping[Sort, Order] = {
    Sort.NEWEST: NEWEST,
    Sort.OLDEST: Order("i.created_at", "timestamptz", _MOMENT, descending=False),
    Sort.MOST_VIEWED: Order("r.views", "bigint", _SIZE),
    Sort.LARGEST: Order("i.size", "bigint", _SIZE),
    Sort.ARRANGED: Order(
        "coalesce(r.n, 1000000000 + (i.albums ->> %(in_album)s)::bigint)",
        "bigint",
        _SIZE,
        descending=False,
    ),
    Sort.TITLE: Order("lower(i.title)", "text", _TEXT, descending=False),
}


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The last row of a page: in which order, its key in it as Postgres sees it, its id."""

    sort: Sort
    key: Any
    id: UUID
    total: Annotated[int, Meta(ge=0)] | None = None
    """Of the whole list, as it was counted for its first page."""

    @property
    def text(self) -> str:
        return cursors.written(self)

    @classmethod
    def of(cls, text: str, sort: Sort) -> "Cursor":
        """Raises Validation for what is none of ours, or of another order."""
        cursor = cursors.read(text, cls)
        if cursor.sort is not sort:
            raise Validation.of("cursor", "belongs to another sort")
        try:
            key = msgspec.convert(cursor.key, ORDERS[sort].key)
        except msgspec.ValidationError as error:
            raise Validation.of("cursor", "is not one of ours") from error
        return msgspec.structs.replace(cursor, key=key)
