"""What reacts to the log at the gate: the scan, and the notices that go out."""

import asyncio
from contextlib import suppress
from functools import partial

from adapters.follower import Follower, nudged
from adapters.positions import HeardPositions
from bootstrap import Core, cdn, letters, scanner
from bootstrap.loops import Stirred, Work, for_ever
from domain.refusals import Unavailable
from projections import edge, notices
from projections.positions import news
from projections.scanning import NAME as SCANNING

PURGE = 0.2  # seconds between looks at what the CDN is to be told again
NUDGE = 0.5  # seconds until it is tried again with a database that went away
QUIET = 5.0  # seconds between looks at the log where nobody said that there is something new


def start(core: Core, positions: HeardPositions, group: asyncio.TaskGroup) -> None:
    scanned = news(SCANNING)
    for _ in range(core.settings.lab_workers):
        group.create_task(for_ever("scanning", scanning(core), Stirred(positions, scanned)))
    group.create_task(_follow_for_ever(core, "notices", notice_board(core)))
    if core.settings.cdn:
        group.create_task(_follow_for_ever(core, "purges", purges(core), pause=PURGE))


def notice_board(core: Core) -> Work:
    from adapters.notices import NoticeBoard

    follower = Follower(core.log, notices.NAME, notices.TOPICS)
    return NoticeBoard(follower, core.store, letters(core)).work


def purges(core: Core) -> Work:
    from adapters.purges import Purges

    edge_of = cdn(core.settings)
    assert edge_of
    return Purges(Follower(core.log, edge.NAME, edge.TOPICS), core.database, edge_of).work


async def _follow_for_ever(core: Core, name: str, work: Work, pause: float = QUIET) -> None:
    """Whatever is new in the log, at once; what waits for something else, after the pause."""
    while True:
        with suppress(Unavailable):
            async with nudged(core.database) as wait:
                await for_ever(name, work, partial(wait, pause), outage=NUDGE)
        await asyncio.sleep(NUDGE)


def scanning(core: Core) -> Work:
    from adapters.clamd import Clamd
    from adapters.scanning import ScanDesk
    from projections.scanning import scan

    desk = ScanDesk(core.database)
    examine = partial(
        scan,
        objects=core.objects,
        scanner=scanner(core.settings),
        store=core.store,
        spool=core.spool,
    )
    first = True

    async def work() -> bool:
        nonlocal first
        worked = await desk.next(examine, first=first)
        # Without a scanner nothing new waits: only what one that was set before has left.
        first = (first and worked) or core.settings.scanner == Clamd.name
        return worked

    return work
