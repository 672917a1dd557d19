"""The Search port on Postgres's own full text: found here, shown only what may be listed."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from adapters.database import Database
from adapters.drawers import ASKING, DRAWERS, IN_DRAWER, MATCHES, also_lent
from adapters.exhibits import COLUMNS, PRINTS, WIDTH, Exhibits
from adapters.marking import signs_marked
from adapters.reach import in_reach
from adapters.tsquery import ASKED, terms
from commands.ports import EventStore
from domain.access import Viewer
from projections.gallery import Exhibit, Query
from projections.search import Hit, Hits

FIELDS = ("title", "description", "tags", "filename")
FACETS = ("tags", "format", "year")
MOST = 1_000
"""Matches that are ranked and counted, the newest: to rank all that have a common word takes
seconds."""


class PostgresSearch:
    def __init__(self, database: Database, store: EventStore) -> None:
        self._database = database
        self._exhibits = Exhibits(store)

    async def find(self, text: str, *, viewer: Viewer, limit: int, page: int) -> Hits:
        asked = terms(text)
        if not asked.parts:
            return Hits(hits=[], total=0, facets={facet: {} for facet in FACETS})
        query = Query(viewer=viewer)
        reach, parameters = in_reach(query)
        parameters |= asked.parameters
        parameters |= {"limit": limit, "offset": (page - 1) * limit, "most": MOST}
        found = _FOUND.format(matches=MATCHES, lent=also_lent(query))
        rows = await self._database.rows(found, parameters, plan_once=False)
        ids, total, facets = rows[0]
        hits = [_hit(it, marks, text) for it, marks in await self._shown(ids, reach, parameters)]
        shown = total - len(ids) + len(hits)
        return Hits(hits=hits, total=shown, exact=total < MOST, facets=facets)

    async def _shown(
        self, ids: Sequence[UUID], reach: str, parameters: dict[str, Any]
    ) -> Sequence[tuple[Exhibit, Sequence[str]]]:
        """As the gallery has them by now, whatever the index thinks."""
        query = _SHOWN.format(reach=reach)
        rows = await self._database.rows(query, parameters | {"ids": ids}) if ids else []
        return [
            (exhibit, row[WIDTH:]) for row in rows if (exhibit := await self._exhibits.listed(row))
        ]


def _hit(exhibit: Exhibit, headlines: Sequence[str], typed: str) -> Hit:
    marked = zip(FIELDS, (signs_marked(it, typed) for it in headlines), strict=True)
    return Hit(
        exhibit=exhibit,
        highlights={field: text for field, text in marked if "<mark>" in text},
    )


_ENTRY = "e.id, e.tsv, e.created_at, e.format, e.tags"
_NEWEST = "order by e.created_at desc, e.id desc"
_COUNTS = """
    (select coalesce(json_object_agg(value, many), '{{{{}}}}') from (
        select value, count(*) as many from found f cross join lateral ({0}) v (value)
        where value is not null group by value order by many desc, value limit 50) c)"""
_FOUND = f"""
    with {ASKING},
    found as materialized (
        (select e.* from {DRAWERS} cross join lateral (
                select {_ENTRY} from {IN_DRAWER} where {{matches}} {_NEWEST}) e
            limit %(most)s)
        union all
        (select {_ENTRY} from {{lent}} {_NEWEST} limit %(most)s)),
    best as (
        select id from found cross join asked
        order by ts_rank_cd(tsv, query) desc, created_at desc, id
        limit %(limit)s offset %(offset)s)
    select array(select id from best), (select least(count(*), %(most)s) from found),
        json_build_object(
            'tags', {_COUNTS.format("select unnest(f.tags)")},
            'format', {_COUNTS.format("values (f.format)")},
            'year', {_COUNTS.format("values (extract(year from f.created_at)::int::text)")})"""
"""As many drawers as it takes, and what is lent."""
_HEADLINES = ", ".join(
    f"searching.marked({column}, {ASKED})"
    for column in ("i.title", "i.description", "array_to_string(i.tags, ' ')", "i.filename")
)
_SHOWN = f"""
    select {COLUMNS}, {_HEADLINES}
    from unnest(%(ids)s::uuid[]) with ordinality r (id, n) join gallery.images i on i.id = r.id
    {PRINTS} where {{reach}} order by r.n"""
