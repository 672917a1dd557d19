"""The Search port on Postgres's own full text: found here, shown only what may be listed."""

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.database import Database
from adapters.exhibits import COLUMNS, PRINTS, WIDTH, Exhibits
from adapters.gallery import conditions
from adapters.tsquery import tsquery
from commands.ports import EventStore
from domain.access import Viewer
from projections.gallery import Exhibit, Query
from projections.search import Hit, Hits

FIELDS = ("title", "description", "tags", "filename")

_FOUND = "gallery.images i join search.texts e on e.id = i.id"
_MARKED = """ts_headline('simple',
    replace(replace(replace(replace({0}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'),
    to_tsquery('simple', %(tsquery)s),
    'StartSel=<mark>, StopSel=</mark>, HighlightAll=true')"""
_HEADLINES = ", ".join(
    _MARKED.format(column)
    for column in ("i.title", "i.description", "array_to_string(i.tags, ' ')", "i.filename")
)
_FACETS = {
    "tags": "select unnest(i.tags) as value",
    "format": "select i.format as value",
    "year": "select extract(year from i.created_at)::int::text as value",
}


class PostgresSearch:
    def __init__(self, database: Database, store: EventStore) -> None:
        self._database = database
        self._exhibits = Exhibits(store)

    async def find(self, text: str, *, viewer: Viewer, limit: int, page: int) -> Hits:
        if not tsquery(text):
            return Hits(hits=[], total=0, facets={facet: {} for facet in _FACETS})
        where, parameters = conditions(Query(viewer=viewer, text=text))
        rows = await self._database.rows(
            f"select {COLUMNS}, count(*) over (), {_HEADLINES} from {_FOUND} {PRINTS} where {where}"
            " order by ts_rank_cd(e.tsv, to_tsquery('simple', %(tsquery)s)) desc,"
            " i.created_at desc, i.id limit %(limit)s offset %(offset)s",
            parameters | {"limit": limit, "offset": (page - 1) * limit},
        )
        return Hits(
            hits=[
                _hit(exhibit, row[WIDTH + 1 :])
                for row in rows
                if (exhibit := await self._exhibits.listed(row))
            ],
            total=rows[0][WIDTH] if rows else await self._total(where, parameters),
            facets={facet: await self._facet(facet, where, parameters) for facet in _FACETS},
        )

    async def _total(self, where: str, parameters: Mapping[str, Any]) -> int:
        query = f"select count(*) from {_FOUND} where {where}"
        return int((await self._database.rows(query, dict(parameters)))[0][0])

    async def _facet(self, facet: str, where: str, parameters: Mapping[str, Any]) -> dict[str, int]:
        rows = await self._database.rows(
            f"select value, count(*) from ({_FACETS[facet]} from {_FOUND} where {where}) f"
            " group by value order by count(*) desc, value limit 50",
            dict(parameters),
        )
        return dict(rows)


def _hit(exhibit: Exhibit, headlines: Sequence[str]) -> Hit:
    marked = zip(FIELDS, headlines, strict=True)
    return Hit(
        exhibit=exhibit,
        highlights={field: text for field, text in marked if "<mark>" in text},
    )
