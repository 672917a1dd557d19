"""The Search port on two engines: where the better one is down, the other answers and says so."""

import time

import structlog

from domain.access import Viewer
from domain.refusals import Unavailable
from projections.search import Hits, Search

AWAY = 5.0
"""Seconds for which an engine that did not answer is not asked again: nobody waits for it twice."""

_log = structlog.get_logger()


class FallingBack:
    def __init__(self, engine: Search, other: Search) -> None:
        self._engine = engine
        self._other = other
        self._away_until = 0.0

    async def find(self, text: str, *, viewer: Viewer, limit: int, page: int) -> Hits:
        if time.monotonic() >= self._away_until:
            try:
                return await self._engine.find(text, viewer=viewer, limit=limit, page=page)
            except Unavailable as refusal:
                if refusal.facts.get("dependency") != "search":
                    raise
                self._away_until = time.monotonic() + AWAY
                _log.warning("search falls back", reason=str(refusal.__cause__ or refusal))
        hits = await self._other.find(text, viewer=viewer, limit=limit, page=page)
        return hits.in_place_of_another
