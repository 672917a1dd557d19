"""What is done beside the running service: preparing, looking, rebuilding."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import psycopg
import structlog

from adapters import jetstream, languages
from adapters import rebuild as rebuilding
from adapters.database import DOWN
from adapters.development import Desk, take_up_what_found_no_room
from adapters.follower import Follower
from adapters.health import Health
from adapters.read_model import ReadModel
from adapters.rebuild import RebuildReport, Report
from adapters.upkeep import PostgresUpkeep
from adapters.weights import PostgresWeights, weigh_what_is_there
from bootstrap import Core, scanner, searching
from projections import development, edge, notices, search
from projections.projection import ALL, PROJECTIONS
from settings import Settings

if TYPE_CHECKING:
    from adapters.lab import VipsLab

TABLES = (
    *("secrets", "idempotency", "ledger", "erasure", "audit", "limits", "webhooks"),
    *("counting", "metering", "searching", "transforms", "upkeep", "reactors", "derivatives"),
)
FOLLOWERS = (notices.NAME, edge.NAME)

NOTED = 0.5
"""Seconds between notes of how far a rebuild is."""


async def prepare(settings: Settings) -> None:
    """Create whatever is not there yet: schemas, tables, bucket, stream.

    Read models that an older version made without what documents have now are built anew; so is
    the search index, where it was made for other languages, or wrote words down otherwise.
    """
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("create schema if not exists log")
        for tables in TABLES:
            connection.execute((files("adapters") / f"{tables}.sql").read_bytes())
        relearn = languages.install(connection, settings.known_languages)
    core = Core(settings, create=True)
    async with core.opened(), core.database.connection() as connection:
        models = [ReadModel(projection) for projection in ALL]
        older = [model for model in models if not await model.create(connection)]
        for name in FOLLOWERS:
            await Follower(core.log, name, ()).begin()
        outgrown = [model.schema for model in older if not await model.fits(connection)]
        if development.NAME not in outgrown:  # else all of it is weighed as it is made again
            await weigh_what_is_there(connection)
            await take_up_what_found_no_room(connection)
        await core.objects.ensure_bucket()
        await jetstream.ensure_stream(core.nats.jetstream(), core.names)
    if relearn and search.NAME not in outgrown:
        outgrown.append(search.NAME)
    if outgrown:
        await rebuild(settings, outgrown, lambda *_: None)


async def rebuild(settings: Settings, names: Sequence[str], report: Report) -> list[RebuildReport]:
    core = Core(settings)
    async with core.opened(), core.lab() as lab:
        return [await rebuilt(core, lab, name, report) for name in names]


async def rebuilt(core: Core, lab: "VipsLab", name: str, report: Report) -> RebuildReport:
    """With `search`, Meilisearch's index too, where there is one."""
    finish = partial(_develop_all, core, lab) if name == development.NAME else None
    found = await rebuilding.rebuild(PROJECTIONS[name], core.log, report, finish)
    if name == search.NAME and (indexer := searching.indexer(core)):
        head = await core.log.head()
        await indexer.rebuild(lambda count: report("meilisearch", count, head))
    return found


async def rebuild_ordered(core: Core, lab: "VipsLab") -> int:
    """The next that was ordered. Who dies at it is followed by one who goes on where it was."""
    orders = PostgresUpkeep(core.database)
    name = await orders.next()
    if name is None:
        return 0
    await orders.started(name)
    progress, began = Progress(), time.monotonic()

    async def noted() -> None:
        while True:
            await asyncio.sleep(NOTED)
            await orders.reached(name, seconds=time.monotonic() - began, **progress.figures)

    noting = asyncio.create_task(noted())
    error = None
    try:
        await rebuilt(core, lab, name, progress)
    except DOWN:
        raise
    except Exception as failure:  # ordered again it would fail again: somebody has to look
        error = f"{type(failure).__name__}: {failure}"
        structlog.get_logger().error("rebuild failed", model=name, exc_info=failure)
    finally:
        noting.cancel()
        await asyncio.gather(noting, return_exceptions=True)
    await orders.reached(name, seconds=time.monotonic() - began, **progress.figures)
    await orders.finished(name, error)
    return 1


class Progress:
    """Of one rebuild, as it reports it."""

    def __init__(self) -> None:
        self._first: int | None = None
        self._position = self._head = 0

    def __call__(self, _: str, position: int, head: int) -> None:
        if self._first is None:
            self._first = position
        self._position, self._head = position, head

    @property
    def figures(self) -> dict[str, int]:
        """Positions stand for events: there are few gaps."""
        events = self._position - (self._first or 0)
        return {"position": self._position, "head": self._head, "events": events}


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
    tools["weights"] = PostgresWeights(core.database)
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
