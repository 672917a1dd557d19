"""The Feed port over the log: read by position, never from NATS, which may have forgotten."""

from collections.abc import Sequence
from typing import Any

from adapters.event_store import EventLog
from domain.stream import Recorded


class LogFeed:
    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def head(self) -> int:
        return await self._log.head()

    async def page(
        self, after: int, limit: int, upto: int | None = None
    ) -> Sequence[Recorded[Any]]:
        """Envelopes only: no key is fetched, nothing sealed is opened."""
        before = None if upto is None else upto + 1
        stored = await self._log.recorder.page(after, limit, before)
        return [self._log.mapper.envelope(it) for it in stored]
