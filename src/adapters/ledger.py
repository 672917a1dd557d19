"""The Ledger port over uploads.ledger."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec

from adapters.database import Database, Row
from commands.ledger import Entry, Hold, Noted
from domain.ids import ImageId
from domain.progress import Progress
from domain.refusals import UploadLocked

LEASE = "3 seconds"
PAGE = 1_000
_COLUMNS = "image_id, multipart_id, part_size, progress, metadata, held_until > now()"


class PostgresLedger:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, entry: Entry) -> Entry:
        values = (
            entry.image_id,
            entry.multipart_id,
            entry.part_size,
            _encoded(entry.progress),
            entry.metadata,
        )
        return _entry((await self._database.changed(_OPEN, values))[0])

    async def find(self, image_id: ImageId) -> Entry | None:
        rows = await self._database.rows(_FIND, (image_id,))
        return _entry(rows[0]) if rows else None

    async def hold(self, image_id: ImageId) -> Hold | None:
        rows = await self._database.changed(_HOLD, (image_id,))
        return Hold(fence=rows[0][0], entry=_entry(rows[0][1:])) if rows else None

    async def number(self, hold: Hold, multipart_id: str | None) -> int:
        changes = "next_number = next_number + 1, multipart_id = coalesce(multipart_id, %s)"
        (number,) = await self._fenced(hold, changes, "next_number - 1", multipart_id)
        return int(number)

    async def renew(self, hold: Hold) -> None:
        await self._fenced(hold, "fence = fence", "fence")

    async def record(self, hold: Hold, progress: Progress) -> None:
        await self._fenced(hold, "progress = %s", "fence", _encoded(progress))

    async def release(self, hold: Hold) -> None:
        await self._database.write(_RELEASE, (hold.entry.image_id, hold.fence))

    async def forget(self, image_id: ImageId) -> None:
        await self._database.write("delete from uploads.ledger where image_id = %s", (image_id,))

    async def noted(self) -> AsyncIterator[Noted]:
        last = UUID(int=0)
        while rows := await self._database.rows(_NOTED, (last, PAGE)):
            for (last,) in rows:
                yield Noted(image_id=ImageId(last))

    async def _fenced(self, hold: Hold, changes: str, answer: str, *values: Any) -> Row:
        """An update that also renews the lease; nothing at all, once the fence is outdated."""
        query = _FENCED.format(changes=changes, answer=answer)
        rows = await self._database.changed(query, (*values, hold.entry.image_id, hold.fence))
        if not rows:
            raise UploadLocked
        return rows[0]


def _entry(row: Row) -> Entry:
    image_id, multipart_id, part_size, progress, metadata, held = row
    return Entry(
        image_id=ImageId(image_id),
        multipart_id=multipart_id,
        part_size=part_size,
        progress=msgspec.json.decode(progress, type=Progress),
        metadata=metadata,
        held=held,
    )


def _encoded(progress: Progress) -> str:
    return msgspec.json.encode(progress).decode()


_OPEN = f"""
    insert into uploads.ledger (image_id, multipart_id, part_size, progress, metadata)
    values (%s, %s, %s, %s, %s)
    on conflict (image_id) do update set image_id = excluded.image_id
    returning {_COLUMNS}"""
_FIND = f"select {_COLUMNS} from uploads.ledger where image_id = %s"
_HOLD = f"""
    update uploads.ledger set fence = fence + 1, held_until = now() + interval '{LEASE}'
    where image_id = %s and held_until <= now() returning fence, {_COLUMNS}"""
_FENCED = f"""
    update uploads.ledger set {{changes}}, held_until = now() + interval '{LEASE}'
    where image_id = %s and fence = %s returning {{answer}}"""
_NOTED = "select image_id from uploads.ledger where image_id > %s order by image_id limit %s"
_RELEASE = """
    update uploads.ledger set held_until = '-infinity'
    where image_id = %s and fence = %s"""
