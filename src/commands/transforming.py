"""Transforms on demand: kept where they were made before, else made once, however many ask."""

import asyncio
from collections.abc import Collection
from enum import Enum, auto
from pathlib import Path
from typing import Protocol
from uuid import UUID

import msgspec
import structlog

from commands import object_keys
from commands.lab import Lab
from commands.once import Once
from commands.ports import ObjectKey, ObjectMissing, ObjectStore
from commands.prints import Printer, Recent
from commands.sourcing import rung_of, stand_in
from commands.spooling import downloaded
from domain.ids import ImageId
from domain.media import Format
from domain.refusals import Unavailable
from domain.transform import Transform

HELD = 16 * 1024**2
"""Bytes of transforms that a process keeps at hand."""
LEASE = 45.0
"""Seconds that a process has for making one: longer than any decoder may take."""
LOOK = 0.1
"""Seconds between looks whether another process is done."""
STORE_AFTER = 0.05
"""Seconds until what was made is stored: its answer goes first."""

_log = structlog.get_logger()


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A transform of one image, as canonical as the image and the format make it."""

    image_id: ImageId
    original: ObjectKey
    source: Format
    width: int
    height: int
    """Of the original, upright."""
    frames: int
    transform: Transform
    format: Format
    faithful: bool = True
    """Whether the image's renderings may stand in for it."""
    charged: bool = True
    """Whether making it is taken from what the image has for today."""

    @property
    def name(self) -> str:
        return f"t/{self.transform.text or 'whole'}.{self.format.extension}"


class Claim(Enum):
    OURS = auto()
    """To be made by whoever asked, until the lease is over."""
    STORED = auto()
    TAKEN = auto()
    """Somebody else is making it."""


class Shelf(Protocol):
    """What is kept of transforms, over all processes. A name says which one of an image's."""

    async def claim(
        self, image_id: ImageId, name: str, *, lease: float, charged: bool, lost: bool
    ) -> Claim:
        """`lost` is that it is said to be stored and is not.

        Raises TransformBudgetSpent where making one more is not in today's budget.
        """
        ...

    async def keep(self, image_id: ImageId, name: str, size: int) -> bool:
        """It is stored. False if the image, or the claim, is gone, or the owner has no room: then
        it may not stay."""
        ...

    async def give_back(self, image_id: ImageId, name: str) -> None:
        """It was not made."""
        ...

    def used(self, image_id: ImageId, name: str) -> None:
        """Written down later, and not more often than matters."""
        ...


class Transformer:
    """One for a process."""

    def __init__(
        self, *, objects: ObjectStore, lab: Lab, spool: Path, shelf: Shelf, printer: Printer
    ) -> None:
        self._objects = objects
        self._lab = lab
        self._spool = spool
        self._shelf = shelf
        self._printer = printer
        self._once: Once[bytes] = Once()
        self._held = Recent(HELD)
        self._storing: set[asyncio.Task[None]] = set()

    async def transformed(self, wanted: Wanted) -> bytes:
        """Raises TransformBudgetSpent, Validation, CorruptImage or Unavailable."""
        if rung := rung_of(wanted.transform, wanted.width, wanted.height):
            return await self._printer.derivative(
                wanted.original, wanted.image_id, rung, wanted.format
            )
        name = f"{self._lab.recipe}/{wanted.name}"
        key = object_keys.named(wanted.image_id, name)
        body = self._held.get(key)
        if body is None:
            body = await self._once(key, lambda: self._fetched(wanted, name, key))
        self._shelf.used(wanted.image_id, name)
        return body

    def forget(self, image_ids: Collection[UUID]) -> None:
        """What is in memory of them."""
        self._held.forget(image_ids)

    async def close(self) -> None:
        """Once everything is stored that was made."""
        await asyncio.gather(*self._storing)

    async def _fetched(self, wanted: Wanted, name: str, key: ObjectKey) -> bytes:
        deadline = asyncio.get_running_loop().time() + LEASE
        lost = False
        while asyncio.get_running_loop().time() < deadline:
            charged = wanted.charged and not lost
            claim = await self._shelf.claim(
                wanted.image_id, name, lease=LEASE, charged=charged, lost=lost
            )
            lost = False
            if claim is Claim.OURS:
                return await self._made(wanted, name, key)
            if claim is Claim.STORED:
                try:
                    body = await self._objects.read(key)
                except ObjectMissing:
                    lost = True
                    continue
                self._held.put(key, body)
                return body
            await asyncio.sleep(LOOK)
        raise Unavailable(dependency="lab")

    async def _made(self, wanted: Wanted, name: str, key: ObjectKey) -> bytes:
        try:
            body = await self._make(wanted)
        except BaseException:
            await self._shelf.give_back(wanted.image_id, name)
            raise
        self._held.put(key, body)
        task = asyncio.create_task(self._store(wanted, name, key, body))
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)
        return body

    async def _make(self, wanted: Wanted) -> bytes:
        """From the smallest rendering that will do; where it is not there, from the original."""
        transform, format = wanted.transform, wanted.format
        size = (wanted.width, wanted.height)
        rung = stand_in(transform, wanted.source, size) if wanted.faithful else None
        if rung and wanted.frames == 1:
            key = object_keys.derivative(wanted.image_id, self._lab.recipe, rung, Format.JPEG)
            try:
                async with downloaded(self._objects, key, self._spool) as path:
                    return await self._lab.transform(path, transform, format, size=size)
            except ObjectMissing:
                pass
        async with downloaded(self._objects, wanted.original, self._spool) as path:
            return await self._lab.transform(path, transform, format)

    async def _store(self, wanted: Wanted, name: str, key: ObjectKey, body: bytes) -> None:
        """What cannot be stored is made again when it is asked for."""
        await asyncio.sleep(STORE_AFTER)
        try:
            await self._objects.put(key, body, content_type=wanted.format.content_type)
            if not await self._shelf.keep(wanted.image_id, name, len(body)):
                await self._objects.delete([key])
                await self._shelf.give_back(wanted.image_id, name)
        except Unavailable as error:
            _log.warning("transform not stored", key=key, reason=str(error))
