"""Derivatives on demand: from the object store, or made on the spot, once however many ask."""

from collections import OrderedDict
from pathlib import Path

from commands import object_keys
from commands.once import Once
from commands.ports import Lab, ObjectKey, ObjectMissing, ObjectStore
from commands.uploads import downloaded
from domain.ids import ImageId
from domain.media import Format, Rung

HELD = 32 * 1024**2
"""Bytes of derivatives that a process keeps at hand."""


class Printer:
    """One for a process. What it makes it stores: nothing is made twice.

    What was asked for lately stays in memory; it never changes, and whoever asks was let through
    before.
    """

    def __init__(self, objects: ObjectStore, lab: Lab, spool: Path) -> None:
        self._objects = objects
        self._lab = lab
        self._spool = spool
        self._once: Once[bytes] = Once()
        self._held = Held(HELD)

    async def derivative(
        self, original: ObjectKey, image_id: ImageId, rung: Rung, format: Format
    ) -> bytes:
        key = object_keys.derivative(image_id, self._lab.recipe, rung, format)
        if (held := self._held.get(key)) is not None:
            return held
        return await self._once(key, lambda: self._fetch(key, original, rung, format))

    async def _fetch(
        self, key: ObjectKey, original: ObjectKey, rung: Rung, format: Format
    ) -> bytes:
        try:
            body = await self._objects.read(key)
        except ObjectMissing:
            body = await self._make(key, original, rung, format)
        self._held.put(key, body)
        return body

    async def _make(self, key: ObjectKey, original: ObjectKey, rung: Rung, format: Format) -> bytes:
        async with downloaded(self._objects, original, self._spool) as path:
            made = await self._lab.render(path, rung, format)
        await self._objects.put(key, made.body, content_type=format.content_type)
        return made.body

    async def scrubbed(self, original: ObjectKey) -> bytes | None:
        """The original without its whereabouts; None if it tells none."""
        async with downloaded(self._objects, original, self._spool) as path:
            return await self._lab.scrub(path)


class Held:
    """The bodies most recently asked for, up to a number of bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bodies: OrderedDict[ObjectKey, bytes] = OrderedDict()
        self._size = 0

    def get(self, key: ObjectKey) -> bytes | None:
        if key in self._bodies:
            self._bodies.move_to_end(key)
        return self._bodies.get(key)

    def put(self, key: ObjectKey, body: bytes) -> None:
        self._size += len(body) - len(self._bodies.pop(key, b""))
        self._bodies[key] = body
        while self._size > self._limit:
            _, oldest = self._bodies.popitem(last=False)
            self._size -= len(oldest)
