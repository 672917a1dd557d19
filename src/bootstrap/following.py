"""The roles that follow the log: the relay, which tells NATS, and the projectors, which hear it."""

import asyncio
from contextlib import aclosing
from functools import partial

from adapters.announcing import Announcer
from adapters.election import Election
from adapters.feed import LogFeed
from adapters.forgetting import LOOK, Forgetting
from adapters.hearing import Hearing
from adapters.positions import Announcement, HeardPositions
from adapters.projector import Followed, Projector
from adapters.read_model import ReadModel, slowest
from adapters.relay import Relay
from bootstrap import Core
from bootstrap.judging import judge
from bootstrap.loops import after, for_ever
from projections.projection import ALL
from settings import Settings

CONNECTIONS = 6
"""Each is a process of Postgres, and one that reads has little to wait for."""


async def run_relay(settings: Settings) -> None:
    core = Core(settings, connections=CONNECTIONS)
    async with core.connected(), aclosing(Election(core.database)) as election:
        positions = HeardPositions(core.database, core.names)
        await positions.listen(core.nats)
        judging = judge(core, positions)
        feed = LogFeed(core.log)
        announcer = Announcer(election, feed, judging, positions, core.nats, core.names)
        relay = Relay(core.log, core.nats, core.names, partial(slowest, core.database))
        async with asyncio.TaskGroup() as group:
            group.create_task(relay.run())
            group.create_task(announcer.run())


async def run_projectors(settings: Settings) -> None:
    core = Core(settings, connections=CONNECTIONS)
    async with core.connected(), asyncio.TaskGroup() as group:
        forgetting = Forgetting(core.database, core.log.keyring.forget_all)
        group.create_task(for_ever("forgetting", forgetting.work, after(LOOK)))
        nats = Hearing(core.nats, core.names), Announcement(core.nats, core.names)
        for projection in ALL:
            projector = Projector(ReadModel(projection), core.log, *nats, _followed(settings))
            group.create_task(projector.run())


def _followed(settings: Settings) -> Followed | None:
    if not settings.otlp_url:
        return None
    from adapters import tracing

    return tracing.followed
