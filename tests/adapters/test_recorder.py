"""The library's own conformance suite, on both sides of our recorder; then what is ours."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    OperationalError,
    StoredEvent,
)
from eventsourcing.postgres import PostgresDatastore
from eventsourcing.tests import persistence as library
from psycopg.conninfo import conninfo_to_dict

from adapters.database import Database
from adapters.recorder import GroupCommitRecorder, GuardRow, OverQuota


def datastore(conninfo: str) -> PostgresDatastore:
    where = conninfo_to_dict(conninfo)
    return PostgresDatastore(
        str(where["dbname"]),
        str(where["host"]),
        "5432",
        str(where["user"]),
        "unused",
        pool_size=12,
        schema="log",
    )


class AsyncSide(GroupCommitRecorder):
    """The library's synchronous interface, answered by `append` and `read` on a loop of its own."""

    def start(self, conninfo: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.database = Database(conninfo)
        self._call(self.database.open())

    def close(self) -> None:
        self._call(self.database.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Any:
        return self._call(self.append(stored_events))

    def select_events(self, originator_id: Any, **asked: Any) -> Any:
        if any(asked.values()):
            return super().select_events(originator_id, **asked)
        return self._call(self.read(originator_id))[0]


class Prepared:
    """What the library's test cases ask of whoever runs them."""

    INITIAL_VERSION = 1

    @pytest.fixture
    def prepared(self) -> str:
        """The recorder makes its own tables."""
        return "template1"

    @pytest.fixture(autouse=True)
    def _installed(self, settings):
        self.conninfo = settings.database_url
        self.datastore = datastore(self.conninfo)
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            connection.execute("create schema log")
        self.opened: list[AsyncSide] = []
        yield
        for recorder in self.opened:
            recorder.close()
        self.datastore.close()

    def new_originator_id(self) -> UUID:
        return uuid4()


class Synchronous(Prepared):
    def create_recorder(self) -> ApplicationRecorder:
        recorder = GroupCommitRecorder(self.datastore)
        recorder.create_table()
        return recorder


class Asynchronous(Prepared):
    def create_recorder(self) -> ApplicationRecorder:
        recorder = AsyncSide(self.datastore)
        recorder.create_table()
        recorder.start(self.conninfo)
        self.opened.append(recorder)
        return recorder


class TestSynchronousSide(Synchronous, library.ApplicationRecorderTestCase):
    def test_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestAsynchronousSide(Asynchronous, library.ApplicationRecorderTestCase):
    def test_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestPositionsKeepOrder(Asynchronous, library.NonInterleavingNotificationIDsBaseCase):
    pass


# Ours


@pytest.fixture
async def recorder(core):
    return core.log.recorder


def event(stream: UUID | None = None, version: int = 1, state: bytes = b"x") -> StoredEvent:
    return StoredEvent(stream or uuid4(), version, "test.happened", state)


async def stored(recorder: GroupCommitRecorder) -> list[tuple[UUID, int]]:
    return [(it.originator_id, it.originator_version) for it in await recorder.page(0, 10_000)]


async def test_a_refused_request_costs_only_itself(recorder):
    taken = event()
    await recorder.append([taken])

    outcomes = await asyncio.gather(
        *(recorder.append([it]) for it in (event(), taken, event())), return_exceptions=True
    )

    assert [type(outcome) for outcome in outcomes] == [list, IntegrityError, list]
    assert len(await stored(recorder)) == 3


async def test_of_32_writers_of_one_version_exactly_one_wins(recorder):
    stream = uuid4()

    outcomes = await asyncio.gather(
        *(recorder.append([event(stream, state=bytes([n]))]) for n in range(32)),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, list) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, IntegrityError) for outcome in outcomes) == 31
    assert await stored(recorder) == [(stream, 1)]


async def test_a_batch_of_streams_is_recorded_whole_or_not_at_all(recorder):
    taken = event()
    await recorder.append([taken])

    with pytest.raises(IntegrityError):
        await recorder.append([event(), event(), taken])

    assert await stored(recorder) == [(taken.originator_id, 1)]


async def test_a_quota_is_never_passed_however_many_ask_at_once(recorder):
    """20 uploads with room for 10, in several transactions: nothing over, nothing half."""
    account = uuid4()
    await recorder.append([event()], [GuardRow(account, 0, 1_000)])

    outcomes = await asyncio.gather(
        *(recorder.append([event()], [GuardRow(account, 100)]) for _ in range(20)),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, list) for outcome in outcomes) == 10
    assert sum(isinstance(outcome, OverQuota) for outcome in outcomes) == 10
    assert len(await stored(recorder)) == 11
    usage = await recorder.database.rows("select used from log.account_usage")
    assert usage == [(1_000,)]


async def test_a_stale_append_reserves_nothing(recorder):
    account, taken = uuid4(), event()
    await recorder.append([taken], [GuardRow(account, 0, 1_000)])

    with pytest.raises(IntegrityError):
        await recorder.append([taken], [GuardRow(account, 100)])

    assert await recorder.database.rows("select used from log.account_usage") == [(0,)]


class CutDatabase(Database):
    """Loses the connection once: before the statement, or after it was committed."""

    def __init__(self, conninfo: str, *, committed: bool) -> None:
        super().__init__(conninfo)
        self.committed = committed
        self.cuts = 1

    @asynccontextmanager
    async def connection(self):
        async with super().connection() as connection:
            if not self.cuts:
                yield connection
                return
            self.cuts -= 1
            if not self.committed:
                raise psycopg.OperationalError("cut before")
            yield connection
            raise psycopg.OperationalError("cut after")


@pytest.mark.parametrize("committed", [False, True])
async def test_an_unknown_outcome_becomes_a_known_one(recorder, settings, committed):
    """A connection lost around a commit: the event is stored once, and its writer learns where."""
    whole, cut = recorder.database, CutDatabase(settings.database_url, committed=committed)
    await cut.open()
    recorder.database = cut
    events = [event(), event()]

    positions = await recorder.append(events)

    await cut.close()
    recorder.database = whole
    assert [it.id for it in await recorder.page(0, 10)] == positions
    assert await stored(recorder) == [(it.originator_id, 1) for it in events]


async def test_a_server_that_stays_away_is_an_operational_error(recorder, monkeypatch):
    """Not an integrity error, which would be an answer about the event."""
    monkeypatch.setattr("adapters.recorder.ATTEMPTS", 1)
    whole = recorder.database
    recorder.database = Database("host=/nowhere dbname=none")
    recorder.database.pool.timeout = 0.2
    await recorder.database.open()
    try:
        with pytest.raises(OperationalError):
            await recorder.append([event()])
    finally:
        await recorder.database.close()
        recorder.database = whole


async def test_no_reader_passes_a_position_by(recorder):
    """16 writers; a reader at full speed that never looks back still sees every event."""
    seen: list[int] = []
    writing = True

    async def read() -> None:
        while True:
            last = not writing
            while page := await recorder.page(seen[-1] if seen else 0, 100):
                seen.extend(it.id for it in page)
            if last:
                return

    async def write() -> None:
        for _ in range(25):
            await recorder.append([event(), event()])

    reader = asyncio.create_task(read())
    await asyncio.gather(*(write() for _ in range(16)))
    writing = False
    await reader

    assert len(seen) == 16 * 25 * 2
    assert seen == [it.id for it in await recorder.page(0, 10_000)]
