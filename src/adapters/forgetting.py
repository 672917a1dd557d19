"""What a process has in memory of what was erased: keys, pictures, names. It forgets them too."""

import time
from collections.abc import Callable, Collection
from uuid import UUID

from adapters.database import Database

LOOK = 5.0
"""Seconds between one look at the list of erasures and the next."""
LATE = 120.0
"""Seconds for which it is forgotten again: what was under way may have remembered it once more."""

Forget = Callable[[Collection[UUID]], None]
"""Given the streams that were erased."""


class Forgetting:
    """In every process of its own: nothing that was erased stays there longer than it must."""

    def __init__(self, database: Database, *forget: Forget) -> None:
        self.forget = list(forget)
        self._database = database
        self._upto: int | None = None
        self._lately: dict[UUID, float] = {}

    async def work(self) -> int:
        """The first time there is nothing to forget yet. Returns how much was new."""
        if self._upto is None:
            ((self._upto,),) = await self._database.rows(_LAST)
        rows = await self._database.rows(_ERASED, (self._upto,))
        now = time.monotonic()
        for subject, position in rows:
            self._lately[subject], self._upto = now, position
        for forget in self.forget if self._lately else ():
            forget(self._lately.keys())
        self._lately = {id: since for id, since in self._lately.items() if now - since < LATE}
        return len(rows)


_LAST = "select coalesce(max(position), 0) from erasure.tasks"
_ERASED = "select subject, position from erasure.tasks where position > %s order by position"
