"""Which of all processes does what only one may do at a time."""

import asyncio
import time

from adapters.database import DOWN, Database, OneConnection
from domain.refusals import Unavailable

PROVEN, STANDBY = 1.0, 5.0
"""Seconds that it is taken for granted: that one is still elected, that another one is."""


class Election:
    """Advisory locks of one session: who dies, or is cut off from Postgres, has lost them all.

    One that was cut off learns of it after `PROVEN` seconds at the latest, and may overlap with
    its successor for so long: what is elected must be safe to do twice.
    """

    def __init__(self, database: Database) -> None:
        self._connection = OneConnection(database)
        self._verdicts: dict[str, bool] = {}
        self._until: dict[str, float] = {}
        self._proven = 0.0
        """When the session was last seen to live: all that it has won it has still."""
        self._one = asyncio.Lock()

    async def won(self, name: str) -> bool:
        """Whether this process is to do it; to be asked before each step. Raises Unavailable."""
        async with self._one:
            now = time.monotonic()
            if now >= self._until.get(name, 0.0):
                won = self._verdicts[name] = await self._asked(name, now)
                self._until[name] = self._proven + PROVEN if won else now + STANDBY
            return self._verdicts[name]

    async def aclose(self) -> None:
        """Give everything up."""
        self._verdicts.clear()
        self._until.clear()
        await self._connection.close()

    async def _asked(self, name: str, now: float) -> bool:
        held = self._verdicts.get(name)
        if held and now < self._proven + PROVEN:
            return True
        try:
            connection = await self._connection.get()
            query = _STILL if held else _TRY
            row = await (await connection.execute(query, (name,))).fetchone()
            self._proven = now
            return bool(row and row[0])
        except DOWN as error:
            await self.aclose()
            raise Unavailable(dependency="database") from error


_TRY = "select pg_try_advisory_lock(hashtext('elected: ' || %s))"
_STILL = "select %s::text is not null"
