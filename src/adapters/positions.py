"""How far the read models are, as told over NATS; asked of Postgres when nothing is heard."""

import asyncio
import heapq
import itertools
from contextlib import suppress

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg

from adapters.database import Database
from adapters.jetstream import GONE, Names
from projections.positions import CORE, news

ASK = 0.1  # seconds of silence after which a waiter asks the database

_moved = msgspec.json.Decoder(dict[str, int]).decode
_Waiter = tuple[int, int, "asyncio.Future[None]"]


class Announcement:
    """Says how far projections are: once for all that have moved while their process had a turn.

    Most events change few of them, and all stand behind each; those who wait are many processes.
    """

    def __init__(self, nc: Client, names: Names) -> None:
        self._nc = nc
        self._names = names
        self._moved: dict[str, int] = {}
        self._saying: asyncio.Task[None] | None = None

    def moved(self, projection: str, position: int, *, concerned: bool) -> None:
        """`concerned` is whether there was anything for it."""
        self._moved[projection] = position
        if concerned:
            self._moved[news(projection)] = position
        if self._saying is None or self._saying.done():
            self._saying = asyncio.create_task(self._say())

    async def _say(self) -> None:
        """What is lost on the way is asked of the database."""
        while self._moved:
            moved, self._moved = self._moved, {}
            with suppress(*GONE):
                await self._nc.publish(self._names.positions, msgspec.json.encode(moved))


class HeardPositions:
    """The Positions port: one heap of waiters for each projection."""

    def __init__(self, database: Database, names: Names) -> None:
        self._database = database
        self._names = names
        self._current: dict[str, int] = {}
        self._waiters: dict[str, list[_Waiter]] = {}
        self._order = itertools.count()
        self._announcements: dict[str, asyncio.Event] = {}
        """The next one of each projection, for all who wait for it."""

    async def listen(self, nc: Client) -> None:
        """Hear every announcement from now on."""
        await nc.subscribe(self._names.positions, cb=self._announced)

    def current(self, projection: str) -> int:
        return self._current.get(projection, 0)

    async def reached(
        self, position: int, projections: frozenset[str] = CORE, *, within: float = 2.0
    ) -> bool:
        behind = [name for name in projections if self.current(name) < position]
        if not behind:
            return True
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await asyncio.gather(*(self._wait(name, position) for name in behind))
                return True
        return False

    async def heard(self, projection: str, beyond: int, *, within: float) -> bool:
        if self.current(projection) > beyond:
            return True
        announced = self._announcements.setdefault(projection, asyncio.Event())
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await announced.wait()
        return self.current(projection) > beyond

    async def _wait(self, projection: str, position: int) -> None:
        heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = (position, next(self._order), heard)
        heapq.heappush(self._waiters.setdefault(projection, []), waiter)
        while self.current(projection) < position:
            done, _ = await asyncio.wait([heard], timeout=ASK)
            if not done:
                await self._ask(projection)

    async def _ask(self, projection: str) -> None:
        rows = await self._database.rows(f"select position from {projection}.position")  # noqa: S608 - our own name
        self._heard(projection, rows[0][0])

    async def _announced(self, message: Msg) -> None:
        for projection, position in _moved(message.data).items():
            self._heard(projection, position)

    def _heard(self, projection: str, position: int) -> None:
        self._current[projection] = max(position, self.current(projection))
        if announced := self._announcements.pop(projection, None):
            announced.set()
        waiters = self._waiters.get(projection, [])
        while waiters and waiters[0][0] <= position:
            _, _, heard = heapq.heappop(waiters)
            if not heard.done():
                heard.set_result(None)
