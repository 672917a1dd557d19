"""A stream of bytes cut into durable pieces: while one is being stored, the next one fills."""

import asyncio
from pathlib import Path
from typing import IO

from commands import object_keys
from commands.ledger import Hold, Ledger
from commands.multipart import MIN_PART, PART, MultipartStore
from domain.image import Image
from domain.progress import Piece, Progress
from domain.refusals import FileTooLarge


class Pieces:
    """Bytes wait in files of `folder`, so memory does not grow with the number of senders.

    `progress` is what is stored. It is recorded at once, or if `tentative`, on `commit` only.
    """

    def __init__(
        self,
        hold: Hold,
        upload: Image,
        *,
        tentative: bool,
        objects: MultipartStore,
        ledger: Ledger,
        folder: Path,
    ) -> None:
        self.progress = hold.entry.progress
        self._hold = hold
        self._upload = upload
        self._tentative = tentative
        self._objects = objects
        self._ledger = ledger
        self._folder = folder
        self._image_id = hold.entry.image_id
        self._multipart_id = hold.entry.multipart_id
        self._tail = hold.entry.progress.tail
        self._end = hold.entry.progress.offset
        self._turn = 0
        self._file: IO[bytes] | None = None
        self._storing: asyncio.Task[None] | None = None

    async def append(self, chunk: bytes) -> None:
        """Raises FileTooLarge, and whatever befell the piece before."""
        self._end += len(chunk)
        if self._end > self._upload.size:
            raise FileTooLarge(limitBytes=self._upload.size, requestedBytes=self._end)
        if self._file is None:
            self._file = await self._begun()
        self._file.write(chunk)
        if self._file.tell() >= PART:
            await self._stored()
            self._storing = asyncio.create_task(self._store_part(self._filled()))

    async def close(self) -> None:
        """Store what is left: as a part, or as a tail if it is too little for one."""
        await self._stored()
        if self._file is None:
            return
        is_last = self._end == self._upload.size and self.progress.parts
        if (size := self._file.tell()) >= MIN_PART or is_last:
            await self._store_part(self._filled())
        else:
            await self._store_tail(self._filled(), size)

    async def abandon(self) -> None:
        """Stop whatever is still under way."""
        if self._file is not None:
            self._file.close()
        if self._storing is not None:
            self._storing.cancel()
            await asyncio.wait([self._storing])

    async def commit(self) -> None:
        """Durable bytes first, then the word that they are there."""
        await self._objects.settle()
        await self._ledger.record(self._hold, self.progress)

    async def _begun(self) -> IO[bytes]:
        """A new file; the first one takes up the tail."""
        self._turn = 1 - self._turn  # of two files, one fills and one is being stored
        file = (self._folder / str(self._turn)).open("wb")
        if self._tail is not None:
            key = object_keys.tail(self._image_id, self._tail.number)
            async with self._objects.stream(key) as chunks:
                async for chunk in chunks:
                    file.write(chunk)
            self._tail = None
        return file

    def _filled(self) -> Path:
        assert self._file is not None
        self._file.close()
        self._file = None
        return self._folder / str(self._turn)

    async def _stored(self) -> None:
        """The order of pieces is the order of bytes: one is recorded before the next."""
        if self._storing is not None:
            storing, self._storing = self._storing, None
            await storing

    async def _store_part(self, file: Path) -> None:
        key = object_keys.incoming(self._image_id)
        if self._multipart_id is None:
            self._multipart_id = await self._objects.begin(
                key, content_type=self._upload.content_type
            )
        number = await self._ledger.number(self._hold, self._multipart_id)
        part = await self._objects.put_part(key, self._multipart_id, number, file)
        await self._advance(self.progress.with_part(part))

    async def _store_tail(self, file: Path, size: int) -> None:
        number = await self._ledger.number(self._hold, self._multipart_id)
        key = object_keys.tail(self._image_id, number)
        await self._objects.put(key, file, content_type=self._upload.content_type)
        await self._advance(self.progress.with_tail(Piece(number=number, size=size)))

    async def _advance(self, to: Progress) -> None:
        self.progress = to
        if not self._tentative:
            await self.commit()
