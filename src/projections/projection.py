"""What a document projection is: one pure function, one table, one document for each stream."""

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any, Generic, TypeVar

import msgspec

from domain.stream import Recorded
from projections import (
    accounts,
    albums,
    blocklist,
    development,
    gallery,
    organizations,
    reports,
    scanning,
    search,
)

D = TypeVar("D", bound=msgspec.Struct)


class Tallied(msgspec.Struct, Generic[D], frozen=True, kw_only=True):
    """Counters kept beside the documents: each document's part, summed by the columns of `key`.

    Where nothing is left to count there is no row: a key may be somebody's word.
    """

    table: str
    key: Sequence[str]
    counters: type[msgspec.Struct]
    """Its fields are the table's other columns."""
    count: Callable[[D | None], Mapping[tuple[Any, ...], msgspec.Struct]]


class Projection(msgspec.Struct, Generic[D], frozen=True, kw_only=True):
    """Documents by stream id. `table` has a column for each of the document's fields."""

    name: str
    streams: frozenset[str]
    table: str
    document: type[D]
    project: Callable[[D | None, Recorded[Any]], D | None]
    tallied: Sequence[Tallied[D]] = ()

    @property
    def ddl(self) -> str:
        """Statements that make its tables, in whatever schema comes first in the search path."""
        return (files("projections") / f"{self.name}.sql").read_text()


def _of(
    module: Any, table: str, document: type[D], tallied: Sequence[Tallied[D]] = ()
) -> Projection[D]:
    """A read model's module says what it is called, what it hears of, and what it makes of it."""
    return Projection(
        name=module.NAME,
        streams=module.STREAMS,
        table=table,
        document=document,
        project=module.project,
        tallied=tallied,
    )


_COUNTED: Sequence[Tallied[gallery.Card]] = (
    Tallied(table="usage", key=("account_id",), counters=gallery.Tally, count=gallery.tally),
    Tallied(table="tags", key=("owner_id", "tag"), counters=gallery.Tagged, count=gallery.tagged),
)
ALL: Sequence[Projection[Any]] = (
    _of(gallery, "images", gallery.Card, _COUNTED),
    _of(accounts, "profiles", accounts.Profile),
    _of(albums, "albums", albums.AlbumCard),
    _of(organizations, "organizations", organizations.OrganizationCard),
    _of(blocklist, "entries", blocklist.Blocked),
    _of(reports, "cases", reports.Case),
    _of(search, "texts", search.Entry),
    _of(development, "exposures", development.Exposure),
    _of(scanning, "suspects", scanning.Suspect),
)
PROJECTIONS = {it.name: it for it in ALL}
