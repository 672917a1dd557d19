"""What reacts to the log at the gate: the scan, and the notices that go out."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from adapters.follower import Follower, nudged
from bootstrap import Core, cdn, letters, scanner
from projections import edge, notices

IDLE = 0.3  # seconds between looks for an image to scan, when there was none
OUTAGE = 1.0  # seconds between tries to scan, while the scanner does not work
PURGE = 0.2  # seconds between looks at what the CDN is to be told again
NUDGE = 0.5  # seconds between looks at the log where nobody said that there is something new


def start(core: Core, group: asyncio.TaskGroup) -> None:
    for _ in range(core.settings.lab_workers):
        group.create_task(_scan_for_ever(core))
    group.create_task(_follow_for_ever(core, "notices", notice_board))
    if core.settings.cdn:
        group.create_task(_follow_for_ever(core, "purges", purges, pause=PURGE))


def notice_board(core: Core) -> Callable[[], Awaitable[int]]:
    from adapters.notices import NoticeBoard

    follower = Follower(core.log, notices.NAME, notices.TOPICS)
    return NoticeBoard(follower, core.store, letters(core)).work


def purges(core: Core) -> Callable[[], Awaitable[int]]:
    from adapters.purges import Purges

    edge_of = cdn(core.settings)
    assert edge_of
    return Purges(Follower(core.log, edge.NAME, edge.TOPICS), core.database, edge_of).work


async def _follow_for_ever(
    core: Core,
    name: str,
    made: Callable[[Core], Callable[[], Awaitable[int]]],
    pause: float = NUDGE,
) -> None:
    """Whatever is new in the log, at once; what waits for something else, after the pause."""
    work = made(core)
    while True:
        try:
            async with nudged(core.database) as wait:
                while True:
                    if not await work():
                        await wait(pause)
        except Exception as error:
            reason = str(error) or type(error).__name__
            structlog.get_logger().warning("interrupted", work=name, reason=reason)
        await asyncio.sleep(NUDGE)


async def _scan_for_ever(core: Core) -> None:
    from adapters.clamd import Clamd
    from adapters.scanning import ScanDesk
    from projections import scanning

    desk = ScanDesk(core.database)
    scan = partial(
        scanning.scan,
        objects=core.objects,
        scanner=scanner(core.settings),
        store=core.store,
        spool=core.spool,
    )
    log, reason, first = structlog.get_logger(), "", True
    while True:
        try:
            worked, reason = await desk.next(scan, first=first), ""
            # Without a scanner nothing new waits: only what one that was set before has left.
            first = (first and worked) or core.settings.scanner == Clamd.name
        except Exception as error:
            worked, before = False, reason
            reason = str(getattr(error, "facts", error)) or type(error).__name__
            if reason != before:  # said once, not each second of a long night
                log.warning("scanning interrupted", reason=reason)
        if not worked:
            await asyncio.sleep(OUTAGE if reason else IDLE)
