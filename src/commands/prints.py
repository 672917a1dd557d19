"""Derivatives on demand: from the object store, or made on the spot, once however many ask."""

import asyncio
from pathlib import Path

from commands import object_keys
from commands.ports import Lab, ObjectKey, ObjectMissing, ObjectStore
from commands.uploads import downloaded
from domain.ids import AccountId, ImageId
from domain.media import Format, Rung


class Printer:
    """One for a process. What it makes it stores: nothing is made twice."""

    def __init__(self, objects: ObjectStore, lab: Lab, spool: Path) -> None:
        self._objects = objects
        self._lab = lab
        self._spool = spool
        self._making: dict[ObjectKey, asyncio.Task[bytes]] = {}

    async def derivative(
        self, owner_id: AccountId, image_id: ImageId, rung: Rung, format: Format
    ) -> bytes:
        key = object_keys.derivative(image_id, self._lab.recipe, rung, format)
        try:
            return await self._objects.read(key)
        except ObjectMissing:
            source = object_keys.original(owner_id, image_id)
            return await self._once(key, source, rung, format)

    async def _once(self, key: ObjectKey, source: ObjectKey, rung: Rung, format: Format) -> bytes:
        if key not in self._making:
            making = asyncio.create_task(self._make(key, source, rung, format))
            making.add_done_callback(lambda _: self._making.pop(key, None))
            self._making[key] = making
        return await asyncio.shield(self._making[key])

    async def _make(self, key: ObjectKey, source: ObjectKey, rung: Rung, format: Format) -> bytes:
        async with downloaded(self._objects, source, self._spool) as path:
            made = await self._lab.render(path, rung, format)
        await self._objects.put(key, made.body, content_type=format.content_type)
        return made.body

    async def scrubbed(self, owner_id: AccountId, image_id: ImageId) -> bytes | None:
        """The original without its whereabouts; None if it tells none."""
        source = object_keys.original(owner_id, image_id)
        async with downloaded(self._objects, source, self._spool) as path:
            return await self._lab.scrub(path)
