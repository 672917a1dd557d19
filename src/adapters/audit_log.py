"""The AuditLog port over the log itself."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from eventsourcing.persistence import Notification

from adapters.event_store import EventLog
from domain.retired import stored_as
from domain.stream import Recorded
from projections.audit_log import Entry, Filter, entry

PAGE = 2_000
LONGEST = 100_000
"""Events that one call looks at, at most."""
SKEW = 1_000
"""Positions by which clocks of different machines may have got events out of order."""


class LogEntries:
    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def page(
        self, asked: Filter, *, after: int, limit: int
    ) -> tuple[Sequence[Entry], int | None]:
        if asked.since:
            after = max(after, await self._before(asked.since) - SKEW)
        found: list[Entry] = []
        for _ in range(LONGEST // PAGE):
            page = await self._envelopes(asked, after)
            for recorded in page:
                assert recorded.position is not None
                after = recorded.position
                if _matches(recorded, asked):
                    found.append(entry(recorded))
                if len(found) == limit:
                    return found, after
            if len(page) < PAGE:
                return found, None
        return found, after

    async def _envelopes(self, asked: Filter, after: int) -> list[Recorded[Any]]:
        where, parameters = ["notification_id > %(after)s"], {"after": after, "limit": PAGE}
        wanted: dict[str, Any] = {"stream": asked.stream_id, "type": asked.type}
        if asked.stream_id:
            where.append("originator_id = %(stream)s")
        if asked.type:
            wanted["types"] = stored_as(asked.type)
            where.append("(topic = any(%(types)s) or starts_with(topic, %(type)s || '.'))")
        rows = await self._log.database.rows(
            _EVENTS.format(" and ".join(where)), parameters | wanted
        )
        return [self._log.mapper.envelope(Notification(*row)) for row in rows]

    async def _before(self, moment: datetime) -> int:
        """About the last position before that time: times grow with positions, by and large."""
        low, high = 0, await self._log.head()
        while low < high:
            middle = (low + high) // 2
            page = await self._log.recorder.page(middle, 1)
            if not page or self._log.mapper.envelope(page[0]).at >= moment:
                high = middle
            else:
                low = page[0].id
        return low


def _matches(recorded: Recorded[Any], asked: Filter) -> bool:
    if asked.actor is not None and recorded.by != asked.actor:
        return False
    return asked.since is None or recorded.at >= asked.since


_EVENTS = """
    select originator_id, originator_version, topic, state, notification_id
    from log.darkroom_events where {} order by notification_id limit %(limit)s"""
