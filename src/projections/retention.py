"""Emptying the trash: what was deleted, and not restored in time, is purged."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

import structlog

from commands.erasure import purge
from commands.ports import Clock, EventStore, Hasher
from domain import purging
from domain.ids import NOBODY, ImageId
from domain.refusals import Unavailable
from projections.reaper import Due

PAGE = 100

_log = structlog.get_logger()


class Trash(Protocol):
    """The read model's view: quick, and perhaps late."""

    async def overdue(self, now: datetime, *, after: Due | None, limit: int) -> Sequence[Due]:
        """Deleted images whose time to be restored is over, longest ago first, behind `after`."""
        ...


class Emptier:
    """What the log says counts: what was restored or is held stays, whatever the trash says."""

    def __init__(self, trash: Trash, *, store: EventStore, hasher: Hasher, now: Clock) -> None:
        self._trash = trash
        self._store = store
        self._hasher = hasher
        self._now = now

    async def work(self) -> int:
        """Returns how many images it purged."""
        count, last = 0, None
        while page := await self._trash.overdue(self._now(), after=last, limit=PAGE):
            for _, id in page:
                count += await self._purge(id)
            last = page[-1]
        return count

    async def _purge(self, image_id: ImageId) -> bool:
        decide = partial(purging.outlive, now=self._now())
        try:
            receipt = await purge(
                image_id, decide, by=NOBODY, store=self._store, hasher=self._hasher
            )
        except Unavailable:
            raise
        except Exception as error:  # one that cannot be purged must not shield the others
            _log.error("image is not purged", image=str(image_id), exc_info=error)
            return False
        return receipt.position is not None
