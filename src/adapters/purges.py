"""What the CDN is yet to forget, in Postgres: nothing gets lost while it is away."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog

from adapters.database import Database
from adapters.follower import Connection, Follower
from domain.account import SettingsChanged
from domain.ids import ImageId
from domain.refusals import Unavailable
from domain.stream import Recorded
from projections.clearing import Edge

AT_ONCE = 50
AGAIN = 30
"""Seconds until it is told a second time: an answer may have been on its way there when it was
told first, and been kept after all."""
LONGEST = 2.0
"""Seconds between tries while it is away."""

_log = structlog.get_logger()


class Purges:
    def __init__(self, follower: Follower, database: Database, edge: Edge) -> None:
        self._follower = follower
        self._database = database
        self._edge = edge

    async def work(self) -> int:
        """Note what is new in the log, and tell the CDN what is due, the oldest first."""
        noted = await self._follower.step(_note)
        return noted + await self._tell()

    async def _tell(self) -> int:
        async with self._database.connection() as connection, connection.transaction():
            due = await (await connection.execute(_DUE, (AT_ONCE,))).fetchall()
            told = await asyncio.gather(*(self._forgotten(id) for id, _ in due))
            for (id, position), done in zip(due, told, strict=True):
                if done:
                    await connection.execute(_TOLD, (AGAIN, id, position))
                    await connection.execute(_DONE, (id,))
                else:
                    await connection.execute(_LATER, (LONGEST, id))
        return sum(told)

    async def _forgotten(self, id: UUID) -> bool:
        try:
            await self._edge.forget(ImageId(id))
        except Unavailable as refusal:
            _log.warning("the CDN is to be told again", reason=refusal.facts.get("reason"))
            return False
        return True


async def _note(connection: Connection, events: Sequence[Recorded[Any]]) -> None:
    """In the order of the log; once for each image, however much happened to it."""
    for recorded in events:
        if not isinstance(recorded.event, SettingsChanged):
            await connection.execute(_NOTE, (recorded.stream_id, recorded.position))
        elif recorded.event.keep_gps is False:  # their originals no longer say where it was
            await connection.execute(_NOTE_ALL, (recorded.position, recorded.stream_id))


_UPSERT = """
    on conflict (image_id) do update set position = excluded.position, visits_left = 2,
        due_at = '-infinity'"""
_NOTE = f"insert into reactors.purges (image_id, position) values (%s, %s) {_UPSERT}"  # noqa: S608 - our own
_NOTE_ALL = f"""
    insert into reactors.purges (image_id, position)
    select id, %s from gallery.images
    where owner_id = %s and finalized and visibility <> 'private'
    {_UPSERT}"""  # noqa: S608 - our own words
_DUE = """
    select image_id, position from reactors.purges where due_at <= now()
    order by position limit %s for update skip locked"""
_TOLD = """
    update reactors.purges set visits_left = visits_left - 1, attempts = 0,
        due_at = now() + interval '1 second' * %s
    where image_id = %s and position = %s"""
_DONE = "delete from reactors.purges where image_id = %s and visits_left = 0"
_LATER = """
    update reactors.purges set attempts = attempts + 1,
        due_at = now() + interval '1 second' * least(0.1 * power(2, least(attempts, 10)), %s)
    where image_id = %s"""
