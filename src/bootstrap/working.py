"""The roles behind the API: relay, projectors, reactors."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from adapters import counting
from adapters.announcing import Announcer
from adapters.feed import LogFeed
from adapters.idempotency import PostgresRecords
from adapters.limits import PostgresLimiter
from adapters.positions import HeardPositions
from adapters.projector import Followed, Projector
from adapters.read_model import ReadModel
from adapters.relay import Relay
from bootstrap import (
    Core,
    auditing,
    cdn,
    gating,
    letters,
    mail_folder,
    now,
    searching,
    sessions,
    upkeep,
    webhooks,
)
from domain.refusals import Unavailable
from projections.projection import ALL
from settings import Settings

if TYPE_CHECKING:
    from adapters.lab import VipsLab
    from adapters.transforms import Clearance
    from projections.metering import Meter
    from projections.post import Postman
    from projections.reaper import Reaper
    from projections.retention import Emptier
    from projections.thresholds import Watcher

IDLE = 1.0  # seconds between looks for work while no read model announces that it has moved
BREATH = 0.05  # seconds between looks at least: under load, announcements come without end
OUTAGE = 1.0  # seconds between tries while what the work needs is down
CHECKPOINT = 3_600.0  # seconds between checkpoints of the log in the locked bucket
EXPIRE, CLEAR = 30.0, 3_600.0  # seconds between looks for abandoned uploads, for forgotten bytes
EMPTY = 60.0  # seconds between looks for what was in the trash for long enough
ERASE, SEAL = 0.5, 1.0  # seconds between looks for what is to be erased, and to be sealed
INDEX = 0.2  # seconds between looks for what Meilisearch does not know yet
EVICT = 60.0  # seconds between looks whether transforms take too much room
METER = 2.0  # seconds between looks for what is to be metered
POST = 0.5  # seconds between looks for letters
WEBHOOKS = 8  # that a process tells at once, and as many of those that are slow
WATCH = 2.0  # seconds between looks for accounts that run short of room
REBUILD = 1.0  # seconds between looks for read models to be made again
STANDBY = 5.0
SWEEPING = 600.0  # seconds between removals of answers that are old enough to be forgotten


async def run_relay(settings: Settings) -> None:
    core = Core(settings)
    async with core.connected():
        positions = HeardPositions(core.database, core.names)
        await positions.listen(core.nats)
        judge = webhooks.judge(core, positions)
        announcer = Announcer(
            core.database, LogFeed(core.log), judge, positions, core.nats, core.names
        )
        async with asyncio.TaskGroup() as group:
            relay = Relay(core.log, core.nats, core.names, partial(slowest, core))
            group.create_task(relay.run())
            group.create_task(announcer.run())


async def run_projectors(settings: Settings) -> None:
    core = Core(settings)
    async with core.connected(), asyncio.TaskGroup() as group:
        for projection in ALL:
            model = ReadModel(projection)
            projector = Projector(model, core.log, core.nats, core.names, followed(settings))
            group.create_task(projector.run())


async def run_reactors(settings: Settings) -> None:
    core = Core(settings)
    async with core.opened(), core.lab() as lab, asyncio.TaskGroup() as group:
        positions = HeardPositions(core.database, core.names)
        await positions.listen(core.nats)
        for number in range(settings.lab_workers):
            group.create_task(_develop_for_ever(core, lab, positions, later=number == 0))
        gating.start(core, group)
        reaping = reaper(core)
        group.create_task(_every(EXPIRE, core, "expire", partial(_expire, core, reaping)))
        group.create_task(_every(CLEAR, core, "clear", partial(reaping.clear, "originals/")))
        emptying = partial(_every, EMPTY, core, "empty", emptier(core).work)
        group.create_task(emptying())
        group.create_task(_erase_for_ever(core))
        if settings.audit_bucket:
            group.create_task(_checkpoint_for_ever(core))
        sealing = auditing.sealer(core).work
        group.create_task(_alone_for_ever(core, "sealer", SEAL, sealing))
        if index := searching.indexer(core):
            group.create_task(_alone_for_ever(core, "meilisearch", INDEX, index.work))
        metering = meter(core).work
        group.create_task(_alone_for_ever(core, "meter", METER, metering))
        evicting = partial(_every, EVICT, core, "evict", clearance(core).work)
        group.create_task(evicting())
        group.create_task(_ever_again(postman(core).work, "post", POST))
        _tell_webhooks(core, positions, group)
        group.create_task(
            _alone_for_ever(core, "rebuilds", REBUILD, partial(upkeep.rebuild_ordered, core, lab))
        )
        watching = partial(_every, WATCH, core, "watch", watcher(core).work)
        group.create_task(watching())
        group.create_task(_sweep_for_ever(letters(core).sweep))
        group.create_task(_sweep_for_ever(PostgresRecords(core.database, core.key).expire))
        group.create_task(_sweep_for_ever(PostgresLimiter(core.database).sweep))
        group.create_task(_sweep_for_ever(sessions(core).sweep))
        group.create_task(_sweep_for_ever(lambda: counting.sweep(core.database, now())))


def meter(core: Core) -> "Meter":
    from adapters.metering import PostgresMeters
    from projections.metering import Meter

    return Meter(PostgresMeters(core.log), store=core.store, now=now)


def clearance(core: Core) -> "Clearance":
    from adapters.transforms import Clearance

    return Clearance(core.database, core.objects, most=core.settings.transform_bytes)


def _tell_webhooks(core: Core, positions: HeardPositions, group: asyncio.TaskGroup) -> None:
    """Those that are slow or down wait for one another, never the others for them."""
    telling = webhooks.messenger(core, positions)
    for slow in (False, True):
        for _ in range(WEBHOOKS):
            work = partial(telling.work, slow=slow)
            group.create_task(_whenever_stirred(work, "webhooks", positions))


def followed(settings: Settings) -> Followed | None:
    if not settings.otlp_url:
        return None
    from adapters import tracing

    return tracing.followed


def watcher(core: Core) -> "Watcher":
    from adapters.usages import PostgresUsages
    from projections.thresholds import Watcher

    return Watcher(PostgresUsages(core.database), store=core.store)


async def _ever_again(work: Callable[[], Awaitable[object]], name: str, pause: float) -> None:
    """All processes that want to, each piece of work in one; a pause only where there was none."""
    while True:
        try:
            worked = await work()
        except Exception as error:
            reason = str(error) or type(error).__name__
            structlog.get_logger().warning("interrupted", work=name, reason=reason)
            worked = False
        if not worked:
            await asyncio.sleep(pause)


async def _whenever_stirred(
    work: Callable[[], Awaitable[object]], name: str, positions: HeardPositions
) -> None:
    """The same for what follows from read models: at rest until one of them has moved."""
    log, reason = structlog.get_logger(), ""
    while True:
        heard = positions.announcements
        try:
            worked, reason = await work(), ""
        except Exception as error:
            worked, before = False, reason
            reason = str(getattr(error, "facts", error)) or type(error).__name__
            if reason != before:  # said once, not each second of a long night
                log.warning("interrupted", work=name, reason=reason)
        if reason:
            await asyncio.sleep(OUTAGE)
        elif not worked:
            await asyncio.sleep(BREATH)
            await positions.stir(heard, within=IDLE)


def postman(core: Core) -> "Postman":
    from adapters.letters import PostgresMailTokens
    from adapters.smtp import SmtpMailer
    from projections.post import Postman

    settings = core.settings
    mailer = (
        SmtpMailer(settings.smtp_url, settings.mail_from)
        if settings.smtp_url
        else mail_folder(core)
    )
    return Postman(
        letters(core),
        mailer,
        PostgresMailTokens(core.database),
        store=core.store,
        hasher=core.key,
        public_url=settings.public_url,
    )


async def _develop_for_ever(
    core: Core, lab: "VipsLab", positions: HeardPositions, *, later: bool
) -> None:
    """What is new comes first; one of all workers has time for what is made later."""
    from adapters.blocklist import PostgresBlocklist
    from adapters.development import Desk
    from commands.blocklist import screened
    from projections import development

    desk = Desk(core.database, give_up=partial(development.fail, store=core.store))
    tools: dict[str, Any] = {"objects": core.objects, "lab": lab, "spool": core.spool}
    notice = partial(screened, blocklist=PostgresBlocklist(core.database), store=core.store)
    develop = partial(development.develop, notice=notice, **tools)
    refine = partial(development.refine, **tools)

    async def work() -> bool:
        return await desk.next(develop) or (later and await desk.refine(refine))

    await _whenever_stirred(work, "development", positions)


def reaper(core: Core) -> "Reaper":
    from adapters.reaping import LogHistories, PostgresUploads
    from projections.reaper import Reaper

    return Reaper(
        uploads=PostgresUploads(core.database),
        histories=LogHistories(core.log),
        store=core.store,
        objects=core.objects,
        now=now,
        grace=timedelta(seconds=core.settings.orphan_grace),
    )


def emptier(core: Core) -> "Emptier":
    from adapters.reaping import PostgresTrash
    from projections.retention import Emptier

    return Emptier(PostgresTrash(core.database), store=core.store, hasher=core.key, now=now)


async def _expire(core: Core, reaping: "Reaper") -> int:
    """The later steps heal what a kill between event and deletion left behind, too."""
    from adapters.ledger import PostgresLedger
    from commands.assembly import abandon
    from commands.ledger import forget_all

    ledger = PostgresLedger(core.database)
    count = await reaping.expire() + await reaping.clear("incoming/")
    unfinished = core.objects.unfinished("incoming/")
    count += await reaping.sweep(unfinished, partial(abandon, objects=core.objects))
    return count + await reaping.sweep(ledger.noted(), partial(forget_all, ledger=ledger))


async def _every(pause: float, core: Core, name: str, work: Callable[[], Awaitable[int]]) -> None:
    """In one of all the processes that want to; whatever goes wrong, again after the pause."""
    from adapters.reaping import alone

    log = structlog.get_logger()
    while True:
        try:
            async with alone(core.database, f"reaper: {name}") as elected:
                if elected and (count := await work()):
                    log.info("reaped", step=name, count=count)
        except Exception as error:
            log.warning("reaper interrupted", step=name, reason=str(error) or type(error).__name__)
        await asyncio.sleep(pause)


async def _erase_for_ever(core: Core) -> None:
    """What is ordered is begun within a second; at the start, what a backup brought back."""
    from bootstrap import erasing

    orders, eraser = erasing.orders(core), erasing.eraser(core, cdn(core.settings))
    look_back = True

    async def work() -> int:
        nonlocal look_back
        if look_back and (back := await erasing.reapply(core)):
            structlog.get_logger().warning("erased streams had come back", count=back)
        look_back = False
        if worked := await orders.take() + await eraser.work():
            return worked
        await erasing.tidy(core)
        return 0

    await _alone_for_ever(core, "eraser", ERASE, work)


async def _alone_for_ever(
    core: Core, name: str, pause: float, work: Callable[[], Awaitable[int]]
) -> None:
    """In one of all the processes that want to, without a pause as long as there is work."""
    from adapters.reaping import alone

    while True:
        try:
            async with alone(core.database, name) as elected:
                while elected:
                    if not await work():
                        await asyncio.sleep(pause)
        except Exception as error:
            reason = str(error) or type(error).__name__
            structlog.get_logger().warning("interrupted", work=name, reason=reason)
        await asyncio.sleep(STANDBY)


async def _checkpoint_for_ever(core: Core) -> None:
    bucket = auditing.checkpoints(core)
    await bucket.open()
    try:
        work = partial(auditing.keep_checkpoint, core, bucket)
        await _every(CHECKPOINT, core, "checkpoint", work)
    finally:
        await bucket.close()


async def _sweep_for_ever(sweep: Callable[[], Awaitable[object]]) -> None:
    while True:
        try:
            await sweep()
        except Unavailable as error:
            structlog.get_logger().warning("sweeping interrupted", reason=str(error))
        await asyncio.sleep(SWEEPING)


async def slowest(core: Core) -> int:
    """The position that every read model has reached."""
    async with core.database.connection() as connection:
        return min([await ReadModel(projection).position(connection) for projection in ALL])
