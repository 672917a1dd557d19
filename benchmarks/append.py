"""append: events into the log, beside bare INSERTs and beside the library's own recorder."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import uuid4

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from adapters.database import Database
from benchmarks.measure import Figure, medians, seconds
from benchmarks.rig import Rig, Run
from bootstrap import Core, now
from commands.ports import Batch, EventStore
from domain.ids import AccountId
from domain.image_events import Promised, UploadInitiated

WHAT = "events/s into the log, beside a bare INSERT for each and the library's recorder"
ROUNDS = 3
EVENTS = {1: 800, 8: 3_200, 32: 6_400, 64: 9_600}
"""In flight: events a turn."""
TARGETS = {1: (0.25, 0.8), 8: (0.75, 5.0), 32: (1.0, 5.0), 64: (1.7, 10.0)}
"""The ratios that the design rests on: to the INSERT, to the library."""

BY = AccountId(uuid4())
STATE = os.urandom(330)  # as much as is stored of an UploadInitiated
TABLE = """create table bare (
    id uuid, version bigint, topic text, state bytea, primary key (id, version))"""
INSERT = "insert into bare values (%s, 1, 'upload.upload-initiated', %s)"


def run(rig: Rig) -> Iterator[Figure]:
    settings = rig.new_settings()
    library = _library(settings.database_url)
    with rig.core(settings) as (core, wait):
        wait(core.database.run(TABLE))
        for flying, events in EVENTS.items():
            rig.step(f"{flying} in flight")
            yield from _figures(core, library, wait, flying, events)
    library.datastore.close()


def _figures(
    core: Core, library: PostgresApplicationRecorder, wait: Run, flying: int, events: int
) -> Iterator[Figure]:
    append, insert = partial(_append, core.store), partial(_insert, core.database)
    few = events // 4
    ours, bare, theirs = medians(
        ROUNDS,
        lambda: events / seconds(lambda: wait(_flying(append, flying, events))),
        lambda: events / seconds(lambda: wait(_flying(insert, flying, events))),
        lambda: few / seconds(lambda: _threads(library, flying, few)),
    )
    peers = (("INSERT each", bare), ("library", theirs))
    for (peer, beside), target in zip(peers, TARGETS[flying], strict=True):
        yield Figure(
            what=f"append, {flying} in flight",
            measured=ours,
            unit="events/s",
            beside=beside,
            peer=peer,
            least_ratio=target,
        )


async def _flying(one: Callable[[], Awaitable[object]], flying: int, events: int) -> None:
    async def fly() -> None:
        for _ in range(events // flying):
            await one()

    await asyncio.gather(*(fly() for _ in range(flying)))


async def _append(store: EventStore) -> None:
    event = UploadInitiated(
        owner_id=BY,
        size=1_234_567,
        content_type="image/jpeg",
        expires_at=now(),
        personal=Promised(filename="DSC_0001.jpg", sha256="0" * 64),
    )
    await store.append([Batch(stream_id=uuid4(), after=0, events=[event])], by=BY)


async def _insert(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute(INSERT, (uuid4(), STATE), prepare=True)


def _library(conninfo: str) -> PostgresApplicationRecorder:
    """As it comes, on a table of its own."""
    where = {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}
    datastore = PostgresDatastore(
        where["dbname"], where["host"], 5432, where["user"], "unused", pool_size=8, max_waiting=64
    )
    recorder = PostgresApplicationRecorder(datastore, events_table_name="theirs")
    recorder.create_table()
    return recorder


def _threads(recorder: PostgresApplicationRecorder, flying: int, events: int) -> None:
    def one(_: int) -> None:
        recorder.insert_events([StoredEvent(uuid4(), 1, "upload.upload-initiated", STATE)])

    with ThreadPoolExecutor(flying) as threads:
        list(threads.map(one, range(events)))
