"""What NATS still holds of a stream: the sealed events, which are noise without their key."""

from collections.abc import Callable

from nats.aio.client import Client

from adapters import jetstream
from adapters.database import Database
from adapters.jetstream import GONE, Names
from commands.erasure import Erasure
from domain.refusals import Unavailable


class Messages:
    name = "nats"

    def __init__(self, database: Database, nats: Callable[[], Client], names: Names) -> None:
        self._database = database
        self._nats = nats
        self._names = names

    async def clear(self, erasure: Erasure) -> int | None:
        rows = await self._database.rows(_POSITIONS, (erasure.subject, erasure.position))
        positions = [position for (position,) in rows]
        js = self._nats().jetstream()
        try:
            return await jetstream.erase(js, self._names, positions, upto=erasure.position)
        except GONE as error:
            raise Unavailable(dependency="nats") from error


_POSITIONS = """
    select notification_id from log.darkroom_events
    where originator_id = %s and notification_id < %s"""
