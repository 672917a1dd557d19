"""The Backlogs port: what waits for reactors, each count along an index of what is left to do."""

from collections.abc import Mapping

from adapters.database import Database
from domain.ids import NOBODY


class PostgresBacklogs:
    def __init__(self, database: Database, *, indexed: bool) -> None:
        """`indexed`: whether a search server follows."""
        self._database = database
        self._queries = _QUEUES | (_INDEX if indexed else {})

    async def waiting(self) -> Mapping[str, int]:
        counts = ", ".join(f"({query})::bigint" for query in self._queries.values())
        (row,) = await self._database.rows(f"select {counts}")
        return dict(zip(self._queries, row, strict=True))

    async def stored(self) -> Mapping[str, int]:
        rows = await self._database.records(_STORED, (NOBODY,))
        return rows[0] if rows else {"images": 0, "bytes": 0, "promised": 0}


_QUEUES = {
    "scanning": "select count(*) from scanning.suspects where asked > answered",
    "development": "select count(*) from development.exposures"
    " where format is not null and not developed",
    "erasure": "select count(*) from erasure.tasks where visits_left > 0",
    "mail": "select count(*) from secrets.letters where address is not null",
    "metering": "select coalesce(max(greatest(extract(epoch from now() - hour) / 3600 - 1, 0)), 0)"
    " from metering.progress",
}
_INDEX = {
    "search": "select (select position from gallery.position)"
    " - (select position from searching.progress)"
}
_STORED = """
    select images, storage_bytes as bytes, reserved_bytes as promised from gallery.usage
    where account_id = %s"""
