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


ALL: Sequence[Projection[Any]] = (
    Projection(
        name=gallery.NAME,
        streams=gallery.STREAMS,
        table="images",
        document=gallery.Card,
        project=gallery.project,
        tallied=(
            Tallied(
                table="usage", key=("account_id",), counters=gallery.Tally, count=gallery.tally
            ),
            Tallied(
                table="tags",
                key=("owner_id", "tag"),
                counters=gallery.Tagged,
                count=gallery.tagged,
            ),
        ),
    ),
    Projection(
        name=accounts.NAME,
        streams=accounts.STREAMS,
        table="profiles",
        document=accounts.Profile,
        project=accounts.project,
    ),
    Projection(
        name=albums.NAME,
        streams=albums.STREAMS,
        table="albums",
        document=albums.AlbumCard,
        project=albums.project,
    ),
    Projection(
        name=organizations.NAME,
        streams=organizations.STREAMS,
        table="organizations",
        document=organizations.OrganizationCard,
        project=organizations.project,
    ),
    Projection(
        name=blocklist.NAME,
        streams=blocklist.STREAMS,
        table="entries",
        document=blocklist.Blocked,
        project=blocklist.project,
    ),
    Projection(
        name=reports.NAME,
        streams=reports.STREAMS,
        table="cases",
        document=reports.Case,
        project=reports.project,
    ),
    Projection(
        name=search.NAME,
        streams=search.STREAMS,
        table="texts",
        document=search.Entry,
        project=search.project,
    ),
    Projection(
        name=development.NAME,
        streams=development.STREAMS,
        table="exposures",
        document=development.Exposure,
        project=development.project,
    ),
    Projection(
        name=scanning.NAME,
        streams=scanning.STREAMS,
        table="suspects",
        document=scanning.Suspect,
        project=scanning.project,
    ),
)
PROJECTIONS = {it.name: it for it in ALL}
