"""What is done beside the running service: preparing, looking, rebuilding."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import psycopg

from adapters import jetstream
from adapters import rebuild as rebuilding
from adapters.development import Desk
from adapters.health import Health
from adapters.read_model import ReadModel
from adapters.rebuild import RebuildReport, Report
from bootstrap import PROJECTIONS, Core, scanner, searching
from projections import development, search
from projections.projection import ALL
from settings import Settings

if TYPE_CHECKING:
    from adapters.lab import VipsLab

TABLES = (
    *("secrets", "idempotency", "ledger", "erasure", "audit", "limits", "webhooks"),
    *("counting", "metering", "searching", "transforms"),
)


async def prepare(settings: Settings) -> None:
    """Create whatever is not there yet: schemas, tables, bucket, stream.

    Read models that an older version made without what documents have now are built anew.
    """
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("create schema if not exists log")
        for tables in TABLES:
            connection.execute((files("adapters") / f"{tables}.sql").read_bytes())
    core = Core(settings, create=True)
    async with core.opened(), core.database.connection() as connection:
        models = [ReadModel(projection) for projection in ALL]
        for model in models:
            await model.create(connection)
        outgrown = [model.schema for model in models if not await model.fits(connection)]
        await core.objects.ensure_bucket()
        await jetstream.ensure_stream(core.nats.jetstream(), core.names)
    if outgrown:
        await rebuild(settings, outgrown, lambda *_: None)


async def rebuild(settings: Settings, names: Sequence[str], report: Report) -> list[RebuildReport]:
    core = Core(settings)
    async with core.opened(), core.lab() as lab:
        reports = [
            await rebuilding.rebuild(
                PROJECTIONS[name],
                core.log,
                report,
                partial(_develop_all, core, lab) if name == development.NAME else None,
            )
            for name in names
        ]
        if search.NAME in names and (indexer := searching.indexer(core)):
            began, head = time.monotonic(), await core.log.head()
            count = await indexer.rebuild(lambda count: report("meilisearch", count, head))
            seconds = round(time.monotonic() - began, 3)
            reports.append(RebuildReport(name="meilisearch", events=count, seconds=seconds))
        return reports


async def caught_up(core: Core, position: int) -> None:
    """Wait for every read model; whoever keeps them runs elsewhere."""
    async with core.database.connection() as connection:
        for projection in ALL:
            model = ReadModel(projection)
            while await model.position(connection) < position:  # noqa: ASYNC110 - in the database
                await asyncio.sleep(0.2)


async def _develop_all(core: Core, lab: "VipsLab", schema: str) -> None:
    """Develop and refine whatever is exposed in a generation that is being built."""
    tools: dict[str, Any] = {"objects": core.objects, "lab": lab, "spool": core.spool}
    develop, refine = partial(development.develop, **tools), partial(development.refine, **tools)
    desk = Desk(core.database, schema)

    async def work() -> None:
        while await desk.next(develop) or await desk.refine(refine):
            pass

    await asyncio.gather(*(work() for _ in range(core.settings.lab_workers)))


async def status(settings: Settings) -> dict[str, Any]:
    core = Core(settings)
    async with core.opened():
        return await Health(
            core.database, core.log, core.nats, core.objects, scanner(settings), settings
        ).ready()
