"""Derivatives on demand: from the object store, or made on the spot, once however many ask."""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol
from uuid import UUID

from commands import object_keys
from commands.lab import Lab
from commands.once import Once
from commands.ports import ObjectKey, ObjectMissing, ObjectStore
from commands.spooling import downloaded
from domain.ids import AccountId, ImageId
from domain.media import Format, Rung
from domain.refusals import Unavailable

HELD = 32 * 1024**2
"""Bytes of derivatives that a process keeps at hand."""
SMALL = 8
"""What takes more than this part of them is not kept: it would drive out too many others."""
AT_ONCE, QUEUE = 64, 256
"""Derivatives that a process fetches or makes at the same time, and that wait until it can."""


class Weights(Protocol):
    async def keep(
        self, image_id: ImageId, owner_id: AccountId, prints: Mapping[str, int]
    ) -> frozenset[str]:
        """Count bytes to the owner's quota, by what prints are called; the same again counts once.

        Before they are stored. Only those in the answer may be: for the others, tried in the order
        given, there is no room, or the image is being purged. Raises Unavailable.
        """
        ...

    async def outgrown(self, image_id: ImageId, recipe: str) -> Sequence[str]:
        """What its prints by other recipes are called. Raises Unavailable."""
        ...

    async def drop(self, image_id: ImageId, names: Sequence[str]) -> None:
        """They are stored no more. Raises Unavailable."""
        ...

    async def of_owner(self, owner_id: AccountId) -> int:
        """Bytes that are stored of all their images, beside the originals."""
        ...


class Claims(Protocol):
    def alone(self, key: str) -> AbstractAsyncContextManager[None]:
        """Enters once no other process is in it with the same key. Raises Unavailable."""
        ...


class Printer:
    """One for a process. What it makes it stores: nothing is made twice, whichever process.

    What was asked for lately stays in memory; it never changes, and whoever asks was let through
    before.
    """

    def __init__(
        self,
        objects: ObjectStore,
        lab: Lab,
        spool: Path,
        claims: Claims,
        weights: Weights,
        *,
        held: int = HELD,
        queue: int = QUEUE,
    ) -> None:
        self._objects = objects
        self._lab = lab
        self._spool = spool
        self._claims = claims
        self._weights = weights
        self._once: Once[bytes] = Once()
        self._held = Recent(held)
        self._places = asyncio.Semaphore(AT_ONCE)
        self._under_way = 0
        self._most = AT_ONCE + queue

    async def derivative(
        self, original: ObjectKey, image_id: ImageId, rung: Rung, format: Format
    ) -> bytes:
        """Raises CorruptImage, ObjectMissing where the original is lost, or Unavailable."""
        key = self._key(image_id, rung, format)
        if (held := self._held.get(key)) is not None:
            return held
        return await self._once(key, lambda: self._in_turn(key, original, rung, format))

    def at_hand(self, image_id: ImageId, rung: Rung, format: Format) -> bytes | None:
        """What `derivative` would give, if nothing had to be waited for."""
        return self._held.get(self._key(image_id, rung, format))

    def forget(self, image_ids: Collection[UUID]) -> None:
        """What is in memory of them."""
        self._held.forget(image_ids)

    def _key(self, image_id: ImageId, rung: Rung, format: Format) -> ObjectKey:
        return object_keys.derivative(image_id, self._lab.recipe, rung, format)

    async def _in_turn(
        self, key: ObjectKey, original: ObjectKey, rung: Rung, format: Format
    ) -> bytes:
        if self._under_way >= self._most:
            raise Unavailable(dependency="delivery", queued=self._under_way)
        self._under_way += 1
        try:
            async with self._places:
                body = await self._fetch(key, original, rung, format)
        finally:
            self._under_way -= 1
        self._held.put(key, body)
        return body

    async def _fetch(
        self, key: ObjectKey, original: ObjectKey, rung: Rung, format: Format
    ) -> bytes:
        try:
            return await self._objects.read(key)
        except ObjectMissing:
            pass
        async with self._claims.alone(key):
            try:
                return await self._objects.read(key)  # another process was first
            except ObjectMissing:
                return await self._make(key, original, rung, format)

    async def _make(self, key: ObjectKey, original: ObjectKey, rung: Rung, format: Format) -> bytes:
        """What there is no room for is not stored, and made again for the next who asks."""
        async with downloaded(self._objects, original, self._spool) as path:
            made = await self._lab.render(path, rung, format)
        if not await self._weigh(key, original, len(made.body)):
            return made.body
        await self._objects.put(key, made.body, content_type=format.content_type)
        try:
            await self._objects.head(original)
        except ObjectMissing:  # purged meanwhile, originals first: nothing may be left behind
            await self._objects.delete([key])
            raise
        return made.body

    async def _weigh(self, key: ObjectKey, original: ObjectKey, size: int) -> bool:
        image_id, owner_id = object_keys.whose(key), object_keys.owner(original)
        assert image_id is not None
        return bool(await self._weights.keep(image_id, owner_id, {object_keys.name(key): size}))

    async def scrubbed(self, original: ObjectKey) -> bytes | None:
        """The original without its whereabouts; None if it tells none."""
        async with downloaded(self._objects, original, self._spool) as path:
            return await self._lab.scrub(path)


class Recent:
    """The bodies most recently asked for, up to a number of bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bodies: OrderedDict[ObjectKey, bytes] = OrderedDict()
        self._size = 0

    def get(self, key: ObjectKey) -> bytes | None:
        if key in self._bodies:
            self._bodies.move_to_end(key)
        return self._bodies.get(key)

    def forget(self, image_ids: Collection[UUID]) -> None:
        for key in [it for it in self._bodies if object_keys.whose(it) in image_ids]:
            self._size -= len(self._bodies.pop(key))

    def put(self, key: ObjectKey, body: bytes) -> None:
        if len(body) > self._limit // SMALL:
            return
        self._size += len(body) - len(self._bodies.pop(key, b""))
        self._bodies[key] = body
        while self._size > self._limit:
            _, oldest = self._bodies.popitem(last=False)
            self._size -= len(oldest)
