"""The role that acts on what was recorded: develops, scans, tells, meters, erases, tidies up."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from adapters import counting, popular
from adapters.development import Desk
from adapters.election import Election
from adapters.forgetting import LOOK, Forgetting
from adapters.idempotency import PostgresRecords
from adapters.limits import PostgresLimiter
from adapters.positions import HeardPositions
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
from bootstrap.loops import Rest, Stirred, Work, after, elected, every, for_ever, hand_out
from projections.positions import news
from settings import Settings

if TYPE_CHECKING:
    from adapters.lab import VipsLab
    from adapters.transforms import Clearance
    from projections.metering import Meter
    from projections.post import Postman
    from projections.reaper import Reaper
    from projections.retention import Emptier
    from projections.thresholds import Watcher

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
ROOM = 2.0  # seconds between looks whether there is room for what waits for it
QUIET = 5.0  # seconds between looks of these while no event is heard of
REBUILD = 1.0  # seconds between looks for read models to be made again
RECOUNT = 60.0  # seconds between looks whether another day has begun
SWEEPING = 600.0  # seconds between removals of answers that are old enough to be forgotten


async def run_reactors(settings: Settings) -> None:
    core = Core(settings)
    async with (
        core.opened(),
        core.lab() as lab,
        aclosing(Election(core.database)) as election,
        asyncio.TaskGroup() as group,
    ):
        positions = HeardPositions(core.database, core.names)
        await positions.listen(core.nats)
        for number in range(settings.lab_workers):
            work = developing(core, lab, later=number == 0)
            exposed = Stirred(positions, news("development"))
            group.create_task(for_ever("development", work, exposed))
        gating.start(core, positions, group)
        _tell_webhooks(core, positions, group)
        forgetting = Forgetting(core.database, core.log.keyring.forget_all)
        group.create_task(for_ever("forgetting", forgetting.work, after(LOOK)))
        group.create_task(for_ever("post", postman(core).work, after(POST)))
        for name, rest, work in _one_at_a_time(core, lab, positions):
            group.create_task(for_ever(name, elected(election, name, work), rest))
        for name, pause, work in _now_and_then(core):
            group.create_task(every(pause, name, elected(election, name, work)))
        for name, pause, work in _where_room_is_short(core):
            moved = Stirred(positions, least=pause, most=QUIET)
            group.create_task(every(pause, name, elected(election, name, work), moved))
        if settings.audit_bucket:
            group.create_task(_keep_checkpoints(core, election))


def _one_at_a_time(
    core: Core, lab: "VipsLab", positions: HeardPositions
) -> list[tuple[str, Rest, Work]]:
    """By name, with the rest between looks: none as long as there is work."""

    def stirred(least: float) -> Rest:
        return Stirred(positions, least=least, most=QUIET)

    works: list[tuple[str, Rest, Work]] = [
        ("eraser", after(ERASE), erasing(core)),
        ("sealer", stirred(SEAL), auditing.sealer(core).work),
        ("meter", stirred(METER), meter(core).work),
        ("rebuilds", stirred(REBUILD), partial(upkeep.rebuild_ordered, core, lab)),
    ]
    if index := searching.indexer(core):
        works.append(("meilisearch", after(INDEX), index.work))
    return works


def _now_and_then(core: Core) -> list[tuple[str, float, Work]]:
    """By name, with the seconds between steps."""
    reaping = reaper(core)
    return [
        ("expire", EXPIRE, partial(_expire, core, reaping)),
        ("clear", CLEAR, partial(reaping.clear, "originals/")),
        ("empty", EMPTY, emptier(core).work),
        ("evict", EVICT, clearance(core).work),
        ("sweep letters", SWEEPING, letters(core).sweep),
        ("sweep answers", SWEEPING, PostgresRecords(core.database, core.key).expire),
        ("sweep limits", SWEEPING, PostgresLimiter(core.database).sweep),
        ("sweep sessions", SWEEPING, sessions(core).sweep),
        ("sweep viewers", SWEEPING, lambda: counting.sweep(core.database, now())),
        ("recount", RECOUNT, lambda: popular.recount(core.database, now().date())),
    ]


def _where_room_is_short(core: Core) -> list[tuple[str, float, Work]]:
    """By name, with the seconds between steps at least: events take room, and give it back."""
    return [
        ("watch", WATCH, watcher(core).work),
        ("let in", ROOM, Desk(core.database).let_in),
    ]


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
        find = partial(telling.next, slow=slow)
        group.create_task(hand_out(WEBHOOKS, "webhooks", find, Stirred(positions)))


def watcher(core: Core) -> "Watcher":
    from adapters.usages import PostgresUsages
    from projections.thresholds import Watcher

    return Watcher(PostgresUsages(core.database), store=core.store)


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


def developing(core: Core, lab: "VipsLab", *, later: bool) -> Work:
    """What is new comes first; one of all workers has time for what is made later."""
    from adapters.blocklist import PostgresBlocklist
    from adapters.weights import PostgresWeights
    from commands.blocklist import screened
    from projections import development

    desk = Desk(core.database, give_up=partial(development.fail, store=core.store))
    tools: dict[str, Any] = {"objects": core.objects, "lab": lab, "spool": core.spool}
    tools["weights"] = PostgresWeights(core.database)
    notice = partial(screened, blocklist=PostgresBlocklist(core.database), store=core.store)
    develop = partial(development.develop, notice=notice, **tools)
    refine = partial(development.refine, **tools)

    async def work() -> bool:
        return await desk.next(develop) or (later and await desk.refine(refine))

    return work


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


def erasing(core: Core) -> Work:
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

    return work


async def _keep_checkpoints(core: Core, election: Election) -> None:
    bucket = auditing.checkpoints(core)
    keep = partial(auditing.keep_checkpoint, core, bucket)
    await bucket.open()
    try:
        await every(CHECKPOINT, "checkpoint", elected(election, "checkpoint", keep))
    finally:
        await bucket.close()
