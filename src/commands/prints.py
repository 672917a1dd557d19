"""Derivatives on demand: from the object store, or made on the spot, once however many ask."""

from pathlib import Path

from commands import object_keys
from commands.once import Once
from commands.ports import Lab, ObjectKey, ObjectMissing, ObjectStore
from commands.uploads import downloaded
from domain.ids import ImageId
from domain.media import Format, Rung


class Printer:
    """One for a process. What it makes it stores: nothing is made twice."""

    def __init__(self, objects: ObjectStore, lab: Lab, spool: Path) -> None:
        self._objects = objects
        self._lab = lab
        self._spool = spool
        self._once: Once[bytes] = Once()

    async def derivative(
        self, original: ObjectKey, image_id: ImageId, rung: Rung, format: Format
    ) -> bytes:
        key = object_keys.derivative(image_id, self._lab.recipe, rung, format)
        try:
            return await self._objects.read(key)
        except ObjectMissing:
            return await self._once(key, lambda: self._make(key, original, rung, format))

    async def _make(self, key: ObjectKey, original: ObjectKey, rung: Rung, format: Format) -> bytes:
        async with downloaded(self._objects, original, self._spool) as path:
            made = await self._lab.render(path, rung, format)
        await self._objects.put(key, made.body, content_type=format.content_type)
        return made.body

    async def scrubbed(self, original: ObjectKey) -> bytes | None:
        """The original without its whereabouts; None if it tells none."""
        async with downloaded(self._objects, original, self._spool) as path:
            return await self._lab.scrub(path)
