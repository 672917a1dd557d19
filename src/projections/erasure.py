"""The eraser: visits every place that holds something of what was purged, until all are clear."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog
from msgspec.structs import replace

from commands.erasure import Erasure, Kind
from domain.refusals import Unavailable

AT_ONCE = 16
"""Of one look; the rest has its turn in the next."""

_log = structlog.get_logger()


class Place(Protocol):
    """Somewhere that something is kept. Clearing can be broken off, and done again."""

    @property
    def name(self) -> str: ...

    async def clear(self, erasure: Erasure) -> int | None:
        """How many things were removed just now; None where it is too early, or not all gone."""
        ...


class Ledger(Protocol):
    async def due(self, limit: int) -> Sequence[Erasure]:
        """Those to be worked at now, longest wait first."""
        ...

    async def record(self, erasure: Erasure) -> None: ...

    async def postpone(self, erasure: Erasure) -> None:
        """It cannot be finished yet; look again, ever later."""
        ...

    async def complete(self, erasure: Erasure) -> None:
        """All places are clear. It comes up once more: requests may have been under way."""
        ...


class Eraser:
    def __init__(self, *, ledger: Ledger, places: Mapping[Kind, Sequence[Place]]) -> None:
        self._ledger = ledger
        self._places = places

    async def work(self) -> int:
        """Returns how many erasures it has looked at."""
        due = await self._ledger.due(AT_ONCE)
        await asyncio.gather(*map(self._erase, due))
        return len(due)

    async def _erase(self, erasure: Erasure) -> None:
        try:
            if await self._cleared(erasure):
                await self._ledger.complete(erasure)
                return
        except Unavailable:
            raise
        except Exception as error:
            _log.warning("erasure interrupted", subject=str(erasure.subject), exc_info=error)
        await self._ledger.postpone(erasure)

    async def _cleared(self, erasure: Erasure) -> bool:
        """Place by place; what was cleared before is counted on, in case of a second visit."""
        again = erasure.again
        for place in self._places[erasure.kind]:
            if place.name in erasure.removed and not again:
                continue
            count = await place.clear(erasure)
            if count is None:
                return False
            if count or not again:
                counted = erasure.removed.get(place.name, 0) + count
                removed = {**erasure.removed, place.name: counted}
                erasure = replace(erasure, removed=removed)
                await self._ledger.record(erasure)
        return True
