"""What the relay tells NATS, heard once in a process and passed on to each projector in it."""

import asyncio
import math
import time
from collections import deque
from contextlib import suppress

from eventsourcing.persistence import Notification
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from adapters.jetstream import Names, received

SURE = 0.5
"""Seconds for which NATS is not asked again whether it knows us."""
MOST = 5_000
"""Messages that wait for one projector. The oldest are dropped: it finds them in the log."""

Heard = tuple[Notification, int]
"""An event, and the position of the one before it in the log."""


class Hearing:
    """One consumer for all projectors: nothing is acknowledged and nothing sent twice. Whatever
    is lost is missing in the chain of positions, and after a silence the log is asked."""

    def __init__(self, nc: Client, names: Names) -> None:
        self.nc = nc
        self.names = names
        self._ears: list[Ear] = []
        self._subscription: JetStreamContext.PushSubscription | None = None
        self._listening = asyncio.Lock()
        self._known = -math.inf
        """When NATS last said that it knows our subscription."""

    def ear(self) -> "Ear":
        """Hears whatever is told from now on, while we listen."""
        ear = Ear()
        self._ears.append(ear)
        return ear

    async def listen(self) -> None:
        """Begin, or begin again where NATS has forgotten us. Raises one of GONE."""
        async with self._listening:
            now = time.monotonic()
            if self._subscription and now - self._known < SURE:
                return
            if not (self._subscription and await _known(self._subscription)):
                self._subscription = await self._subscribed()
            self._known = now

    async def _subscribed(self) -> JetStreamContext.PushSubscription:
        return await self.nc.jetstream().subscribe(
            self.names.subjects,
            stream=self.names.stream,
            cb=self._told,
            manual_ack=True,
            config=ConsumerConfig(ack_policy=AckPolicy.NONE, deliver_policy=DeliverPolicy.NEW),
        )

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


async def _known(subscription: JetStreamContext.PushSubscription) -> bool:
    """False of one that NATS has forgotten; it is ended then."""
    try:
        await subscription.consumer_info()
    except NotFoundError:
        await subscription.unsubscribe()
        return False
    return True
