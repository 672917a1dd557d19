"""Who searches: Postgres, or Meilisearch with Postgres behind it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from adapters.search import PostgresSearch
from bootstrap import Core
from projections.erasure import Place
from projections.search import Search

if TYPE_CHECKING:
    from adapters.meili_index import Indexer


def search(core: Core) -> Search:
    plain = PostgresSearch(core.database, core.store)
    settings = core.settings
    if not settings.meili_url:
        return plain
    from adapters.meili import Meili
    from adapters.meili_search import MeiliSearch
    from adapters.search_fallback import FallingBack

    meili = Meili(settings.meili_url, settings.meili_key)
    return FallingBack(MeiliSearch(meili, uid(core), core.database, core.store), plain)


def indexer(core: Core) -> "Indexer | None":
    """None where there is no Meilisearch."""
    settings = core.settings
    if not settings.meili_url:
        return None
    from adapters import meili_documents
    from adapters.meili import LATER, Meili
    from adapters.meili_index import Indexer

    return Indexer(
        Meili(settings.meili_url, settings.meili_key, timeout=LATER),
        uid(core),
        core.database,
        meili_documents.settings(settings.known_synonyms, settings.known_languages),
    )


def places(core: Core) -> Sequence[Place]:
    """Where Meilisearch holds something of an image."""
    index = indexer(core)
    if index is None:
        return []
    from adapters.meili_index import Indexed

    return [Indexed(index)]


def uid(core: Core) -> str:
    """Of the index: one Meilisearch can serve several installations."""
    return f"{core.settings.namespace}-images"
