"""What the relay tells NATS, heard once in a process and passed on to each projector in it."""

import asyncio
from collections import deque
from contextlib import suppress

from eventsourcing.persistence import Notification
from nats.aio.client import Client
from nats.aio.msg import Msg

from adapters.jetstream import Names, received

MOST = 5_000
"""Messages that wait for one projector. The oldest are dropped: it finds them in the log."""

Heard = tuple[Notification, int]
"""An event, and the position of the one before it in the log."""


class Hearing:
    """Plain subscriptions: nothing is acknowledged and nothing sent twice. Whatever is lost is
    missing in the chain of positions, and after a silence the log is asked."""

    def __init__(self, nc: Client, names: Names) -> None:
        self.nc = nc
        self.names = names
        self._ears: list[Ear] = []
        self._first = asyncio.Lock()

    async def ear(self) -> "Ear":
        """Hears whatever is told from now on."""
        async with self._first:
            if not self._ears:
                await self.nc.subscribe(self.names.subjects, cb=self._told)
            self._ears.append(Ear())
        return self._ears[-1]

    async def _told(self, message: Msg) -> None:
        heard = received(message)
        for ear in self._ears:
            ear.hear(heard)


class Ear:
    """Of one projector."""

    def __init__(self) -> None:
        self._heard: deque[Heard] = deque(maxlen=MOST)
        self._stirred = asyncio.Event()

    def hear(self, heard: Heard) -> None:
        self._heard.append(heard)
        self._stirred.set()

    async def next(self, limit: int, within: float) -> list[Heard]:
        """In the order in which it was told; nothing after so many seconds of silence."""
        if not self._heard:
            self._stirred.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await self._stirred.wait()
        return [self._heard.popleft() for _ in range(min(limit, len(self._heard)))]
