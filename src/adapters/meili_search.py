"""The Search port on Meilisearch: typos, synonyms, ranking; shown as Postgres says who may see."""

import html
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from adapters.database import Database
from adapters.exhibits import COLUMNS, PRINTS, Exhibits
from adapters.meili import IndexMissing, Meili
from adapters.meili_documents import FACETS, FIELDS, MOST, PUBLIC, album, emoji, person
from adapters.reach import AUDIENCE, in_reach
from adapters.tsquery import phrases
from commands.ports import EventStore
from domain.access import Viewer
from domain.ids import ImageId
from domain.refusals import Unavailable
from projections.gallery import Exhibit, Query
from projections.search import Hit, Hits

ENGINE = "meilisearch"
_BEGIN, _END = "\ue000", "\ue001"
"""Around what matches, until everything else is escaped; nobody writes these."""


class MeiliSearch:
    def __init__(self, meili: Meili, uid: str, database: Database, store: EventStore) -> None:
        self._meili = meili
        self._uid = uid
        self._database = database
        self._exhibits = Exhibits(store)

    async def find(self, text: str, *, viewer: Viewer, limit: int, page: int) -> Hits:
        """Raises Unavailable."""
        words = asked(text)
        filters = [f"emoji IN [{it}]" for it in emoji(text)]
        if not (words or filters) or (page - 1) * limit >= MOST:
            return Hits(hits=[], total=0, facets={it: {} for it in FACETS}, engine=ENGINE)
        request = {
            "filter": [f"audience IN [{', '.join(await self._groups(viewer))}]", *filters],
            "page": page,
            "hitsPerPage": limit,
            "facets": list(FACETS),
            "attributesToRetrieve": ["id"],
            "attributesToHighlight": list(FIELDS),
            "highlightPreTag": _BEGIN,
            "highlightPostTag": _END,
            "matchingStrategy": "all",
        }
        try:
            answer = await self._meili.index(self._uid, lambda it: it.search(words, request))
        except IndexMissing as error:
            raise Unavailable(dependency="search") from error
        hits = await self._shown(viewer, answer["hits"])
        hidden = len(answer["hits"]) - len(hits)
        return Hits(
            hits=hits,
            total=max(answer["totalHits"] - hidden, 0),
            exact=answer["totalHits"] < MOST,
            facets={facet: answer["facetDistribution"].get(facet, {}) for facet in FACETS},
            engine=ENGINE,
        )

    async def _groups(self, viewer: Viewer) -> Sequence[str]:
        """In whose name the viewer may find anything: nothing of other tenants comes back."""
        me = viewer.account_id
        if me is None:
            return [PUBLIC]
        rows = await self._database.rows(AUDIENCE, {"me": me, "my_name": str(me)})
        names = {True: album, False: person}
        return [PUBLIC, person(me), *(names[is_album](id) for id, is_album in rows)]

    async def _shown(self, viewer: Viewer, found: Sequence[dict[str, Any]]) -> Sequence[Hit]:
        """As the gallery has them by now, whatever the index thinks."""
        ids = [ImageId(UUID(hit["id"])) for hit in found]
        reach, parameters = in_reach(Query(viewer=viewer))
        query = (  # our own words
            f"select {COLUMNS} from gallery.images i {PRINTS}"  # noqa: S608
            f" where i.id = any(%(ids)s) and {reach}"
        )
        rows = await self._database.rows(query, parameters | {"ids": ids}) if ids else []
        listed = [await self._exhibits.listed(row) for row in rows]
        exhibits = {it.card.id: it for it in listed if it}
        return [
            _hit(exhibits[id], hit["_formatted"])
            for id, hit in zip(ids, found, strict=True)
            if id in exhibits
        ]


def asked(text: str) -> str:
    """The words, and phrases in quotes: what else people type is no operator here."""
    parts = [
        f'"{" ".join(words)}"' if together else " ".join(words) for words, together in phrases(text)
    ]
    return " ".join(parts)


def _hit(exhibit: Exhibit, formatted: dict[str, Any]) -> Hit:
    texts = {field: formatted.get(field) or "" for field in FIELDS}
    joined = {
        field: " ".join(text) if isinstance(text, list) else text for field, text in texts.items()
    }
    return Hit(
        exhibit=exhibit,
        highlights={field: _marked(text) for field, text in joined.items() if _BEGIN in text},
    )


def _marked(text: str) -> str:
    return html.escape(text).replace(_BEGIN, "<mark>").replace(_END, "</mark>")
