"""The Search port on Meilisearch: typos, synonyms, ranking; shown as Postgres says who may see."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from adapters.database import Database
from adapters.exhibits import COLUMNS, PRINTS, Exhibits
from adapters.meili import IndexMissing, Meili
from adapters.meili_documents import FACETS, FIELDS, MOST, PUBLIC, album, person
from adapters.meili_words import BEGIN, END, asked, marked, whole
from adapters.reach import AUDIENCE, in_reach
from commands.ports import EventStore
from domain.access import Viewer
from domain.ids import ImageId
from domain.refusals import Unavailable
from projections.gallery import Exhibit, Query
from projections.search import Hit, Hits

ENGINE = "meilisearch"


class Found(msgspec.Struct, frozen=True):
    id: UUID
    formatted: dict[str, str | list[str]] = msgspec.field(name="_formatted")


class Answer(msgspec.Struct, frozen=True, rename="camel"):
    """Of what it answers, what we read."""

    hits: list[Found]
    total_hits: int
    facet_distribution: dict[str, dict[str, int]]


class MeiliSearch:
    def __init__(self, meili: Meili, uid: str, database: Database, store: EventStore) -> None:
        self._meili = meili
        self._uid = uid
        self._database = database
        self._exhibits = Exhibits(store)

    async def find(self, text: str, *, viewer: Viewer, limit: int, page: int) -> Hits:
        """Raises Unavailable."""
        words = asked(text)
        if not words or (page - 1) * limit >= MOST:
            return Hits(hits=[], total=0, facets={it: {} for it in FACETS}, engine=ENGINE)
        request = {
            "filter": [f"audience IN [{', '.join(await self._groups(viewer))}]"],
            "page": page,
            "hitsPerPage": limit,
            "facets": list(FACETS),
            "attributesToRetrieve": ["id"],
            "attributesToHighlight": list(FIELDS),
            "highlightPreTag": BEGIN,
            "highlightPostTag": END,
            "matchingStrategy": "all",
        }
        answer = await self._answered(words, request)
        hits = await self._shown(viewer, answer.hits, text)
        hidden = len(answer.hits) - len(hits)
        return Hits(
            hits=hits,
            total=max(answer.total_hits - hidden, 0),
            exact=answer.total_hits < MOST,
            facets={
                facet: {whole(value): many for value, many in counts.items()}
                for facet in FACETS
                for counts in [answer.facet_distribution.get(facet, {})]
            },
            engine=ENGINE,
        )

    async def _answered(self, words: str, request: dict[str, Any]) -> Answer:
        try:
            found = await self._meili.index(self._uid, lambda it: it.search(words, request))
            return msgspec.convert(found, Answer)
        except (IndexMissing, msgspec.ValidationError) as error:
            raise Unavailable(dependency="search") from error

    async def _groups(self, viewer: Viewer) -> Sequence[str]:
        """In whose name the viewer may find anything: nothing of other tenants comes back."""
        me = viewer.account_id
        if me is None:
            return [PUBLIC]
        rows = await self._database.rows(AUDIENCE, {"me": me, "my_name": str(me)})
        names = {True: album, False: person}
        return [PUBLIC, person(me), *(names[is_album](id) for id, is_album in rows)]

    async def _shown(self, viewer: Viewer, found: Sequence[Found], typed: str) -> Sequence[Hit]:
        """As the gallery has them by now, whatever the index thinks."""
        ids = [hit.id for hit in found]
        reach, parameters = in_reach(Query(viewer=viewer))
        query = (  # our own words
            f"select {COLUMNS} from gallery.images i {PRINTS}"  # noqa: S608
            f" where i.id = any(%(ids)s) and {reach}"
        )
        rows = await self._database.rows(query, parameters | {"ids": ids}) if ids else []
        listed = [await self._exhibits.listed(row) for row in rows]
        exhibits = {it.card.id: it for it in listed if it}
        return [
            _hit(exhibits[ImageId(hit.id)], hit.formatted, typed)
            for hit in found
            if hit.id in exhibits
        ]


def _hit(exhibit: Exhibit, formatted: dict[str, str | list[str]], typed: str) -> Hit:
    texts = {field: formatted.get(field) or "" for field in FIELDS}
    found = {
        field: marked(" ".join(text) if isinstance(text, list) else text, typed)
        for field, text in texts.items()
    }
    return Hit(
        exhibit=exhibit,
        highlights={field: text for field, text in found.items() if "<mark>" in text},
    )
