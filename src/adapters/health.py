"""Whether Darkroom can do its work: each server, and how far each read model is."""

import asyncio
import time
from contextlib import suppress
from typing import Any

from nats.aio.client import Client

from adapters.database import Database
from adapters.event_store import EventLog
from adapters.s3 import S3Objects
from commands.review import Scanner
from domain.refusals import Unavailable
from projections.projection import ALL
from settings import Settings

STALLED = 5.0
"""Seconds that a read model may be behind without moving."""
PATIENCE = 2.0

UP, DOWN = "up", "down"


class Health:
    """Asked of the servers themselves each time; nothing is remembered but who stands still."""

    def __init__(
        self,
        database: Database,
        log: EventLog,
        nats: Client | None,
        objects: S3Objects,
        scanner: Scanner,
        settings: Settings,
    ) -> None:
        self._database = database
        self._log = log
        self.nats = nats
        self._objects = objects
        self._scanner = scanner
        self._settings = settings
        self._moved: dict[str, tuple[int, float]] = {}

    async def ready(self) -> dict[str, Any]:
        """As `darkroom status --json` prints it."""
        head, projections = await self.progress()
        objects = await self._objects_answer()
        database = UP if head is not None else DOWN
        services = {
            "database": {"state": database},
            "nats": {"state": UP if self.nats and self.nats.is_connected else DOWN},
            "objects": {"state": UP if objects else DOWN, "url": self._settings.objects_url},
        }
        down = any(service["state"] == DOWN for service in services.values())
        services["search"] = await self._search_answer(database)  # Postgres stands in for it
        services["scanner"] = await self._scanner_answer()  # without it uploads go on, and wait
        return {
            "ready": not down and not any(model["stalled"] for model in projections),
            "services": services,
            "head": head,
            "projections": projections,
        }

    async def progress(self) -> tuple[int | None, list[dict[str, Any]]]:
        """The last position, and every read model; nothing where the database is away."""
        try:
            async with asyncio.timeout(PATIENCE):
                head = await self._log.head()
                return head, [await self._model(projection.name, head) for projection in ALL]
        except (Unavailable, TimeoutError):
            return None, []

    async def _model(self, name: str, head: int) -> dict[str, Any]:
        rows = await self._database.rows(
            f"select position, (select count(*) from {name}.parked),"  # noqa: S608 - our own name
            f" (select oid::int8 from pg_namespace where nspname = %s) from {name}.position",
            (name,),
        )
        position, parked, generation = rows[0]
        return {
            "name": name,
            "position": position,
            "lag": max(head - position, 0),
            "generation": generation,
            "parked": parked,
            "stalled": self._stalled(name, position, head),
        }

    def _stalled(self, name: str, position: int, head: int) -> bool:
        last, since = self._moved.get(name, (-1, 0.0))
        if position >= head or position != last:
            self._moved[name] = (position, time.monotonic())
            return False
        return time.monotonic() - since > STALLED

    async def _scanner_answer(self) -> dict[str, str]:
        name = self._scanner.name
        try:
            async with asyncio.timeout(PATIENCE):
                return {"state": UP, "name": name, "note": await self._scanner.check()}
        except (Unavailable, TimeoutError):
            return {
                "state": DOWN,
                "name": name,
                "note": "nothing new becomes public",
            }

    async def _search_answer(self, database: str) -> dict[str, Any]:
        """Its address as it is set; null where the database searches."""
        if not self._settings.meili_url:
            return {"state": database, "name": "postgres", "url": None}
        from adapters.meili import Meili

        meili, state = Meili(self._settings.meili_url, self._settings.meili_key), DOWN
        with suppress(Unavailable):
            await meili.client(lambda it: it.health())
            state = UP
        return {"state": state, "name": "meilisearch", "url": self._settings.meili_url}

    async def _objects_answer(self) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._objects.reachable()
        except TimeoutError:
            return False
