"""latency: from an append to whoever waits for it, beside a round trip of LISTEN and NOTIFY."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from statistics import median

import aiohttp
import psycopg

from adapters.positions import HeardPositions
from benchmarks.measure import Figure, percentile
from benchmarks.rig import Rig
from bootstrap import Core, new_id, now
from commands.ports import Batch
from domain.ids import AccountId, from_text
from domain.image_events import Promised, UploadInitiated
from tests.people import Person

WHAT = "from an append's return to readable, and to a line of the feed, beside LISTEN and NOTIFY"
EVENTS, A_SECOND = 4_000, 200
PATIENCE = 30.0
MOST = {"readable": (5, 25), "feed": (15, 50)}
"""Milliseconds: the median, the 99th percentile."""


def run(rig: Rig) -> Iterator[Figure]:
    person = Person(rig.service)
    with rig.core(rig.settings) as (core, wait):
        rig.step("LISTEN and NOTIFY")
        bare = wait(_bare(core))
        rig.step("append to readable")
        yield from _figures("readable", wait(_readable(core)), bare)
        rig.step("append to feed")
        yield from _figures("feed", wait(_fed(core, person)), bare)


def _figures(what: str, times: list[float], bare: list[float]) -> Iterator[Figure]:
    half, most = MOST[what]
    for name, measured, beside, limit in (
        ("p50", median(times), median(bare), half),
        ("p99", percentile(times, 99), percentile(bare, 99), most),
    ):
        yield Figure(
            what=f"append to {what}, {A_SECOND} events/s, {name}",
            measured=measured,
            unit="ms",
            beside=beside,
            peer="round trip",
            most=limit,
        )


async def _in_time(one: Callable[[int], Awaitable[float]]) -> list[float]:
    """What each took, begun one by one and evenly, whether the one before is over or not."""

    async def later(number: int) -> float:
        await asyncio.sleep(number / A_SECOND)
        return 1000 * await one(number)

    return list(await asyncio.gather(*map(later, range(EVENTS))))


async def _readable(core: Core) -> list[float]:
    """Until every core read model has told of it."""
    positions = HeardPositions(core.database, core.names)
    await positions.listen(core.nats)
    owner = AccountId(new_id())

    async def one(number: int) -> float:
        position = await _appended(core, owner, number)
        began = time.perf_counter()
        assert await positions.reached(position, within=PATIENCE)
        return time.perf_counter() - began

    return await _in_time(one)


async def _fed(core: Core, person: Person) -> list[float]:
    """Until a subscriber has its line, over HTTP."""
    id = from_text("u", person.id)
    assert id is not None
    owner, lines = AccountId(id), _Heard()

    async def one(number: int) -> float:
        position = await _appended(core, owner, number)
        began = time.perf_counter()
        return await lines.of(str(position)) - began

    async with _subscribed(person, lines):
        return await _in_time(one)


async def _appended(core: Core, owner: AccountId, number: int) -> int:
    event = UploadInitiated(
        owner_id=owner,
        size=1_000,
        content_type="image/jpeg",
        expires_at=now() + timedelta(minutes=15),
        personal=Promised(filename=f"DSC_{number}.jpg"),
    )
    return await core.store.append([Batch(stream_id=new_id(), after=0, events=[event])], by=owner)


async def _bare(core: Core) -> list[float]:
    """One statement with a NOTIFY, and until another has come back from who listens to it."""
    heard = _Heard()

    async def one(number: int) -> float:
        began = time.perf_counter()
        await _notify(core, "there", number)
        return await heard.of(str(number)) - began

    async def answer(number: str) -> None:
        await _notify(core, "back", number)

    async def note(number: str) -> None:
        heard.now(number)

    async with _listening(core, "there", answer), _listening(core, "back", note):
        return await _in_time(one)


async def _notify(core: Core, channel: str, what: object) -> None:
    async with core.database.connection() as connection:
        await connection.execute("select pg_notify(%s, %s)", (channel, str(what)), prepare=True)


@asynccontextmanager
async def _listening(
    core: Core, channel: str, act: Callable[[str], Awaitable[None]]
) -> AsyncIterator[None]:
    async with await psycopg.AsyncConnection.connect(
        core.settings.database_url, autocommit=True
    ) as connection:
        await connection.execute(f"listen {channel}".encode())

        async def listen() -> None:
            async for notice in connection.notifies():
                await act(notice.payload)

        async with _beside(listen()):
            yield


@asynccontextmanager
async def _subscribed(person: Person, lines: "_Heard") -> AsyncIterator[None]:
    url = f"{person.service.url}/v1/events"
    headers = {"Authorization": f"Bearer {person.tokens['accessToken']}"}
    async with (
        aiohttp.ClientSession(headers=headers, raise_for_status=True) as http,
        http.get(url, timeout=aiohttp.ClientTimeout(total=None)) as answer,
    ):
        await answer.content.readline()  # it is there: whatever comes from now on is told

        async def read() -> None:
            async for line in answer.content:
                if line.startswith(b"id: "):
                    lines.now(line[4:].decode().strip())

        async with _beside(read()):
            yield


@asynccontextmanager
async def _beside(work: Awaitable[None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class _Heard:
    """When each was heard, whether it was asked for before or after."""

    def __init__(self) -> None:
        self._times: dict[str, asyncio.Future[float]] = {}

    def now(self, what: str) -> None:
        if not self._time(what).done():
            self._time(what).set_result(time.perf_counter())

    async def of(self, what: str) -> float:
        return await asyncio.wait_for(self._time(what), PATIENCE)

    def _time(self, what: str) -> asyncio.Future[float]:
        return self._times.setdefault(what, asyncio.get_running_loop().create_future())
