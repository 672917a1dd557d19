"""The Limiter port: exact, whoever asks at the same time, and through which process."""

import asyncio

import psycopg
import pytest

from adapters.database import Database
from adapters.limits import PAUSE, PostgresLimiter
from domain.limits import MICRO, Policy
from domain.refusals import Unavailable

MINUTE = Policy("requests", 100)
HOURLY = Policy("hourly", 3, 3_600)


@pytest.fixture
def limiter(core):
    return PostgresLimiter(core.database)


@pytest.fixture
def passed(core):
    """Time goes by: for the rows, which is the same as for the clock."""

    async def passed(seconds):
        async with core.database.connection() as connection:
            await connection.execute(
                "update limits.counts set since = since - %(us)s, used_until = used_until - %(us)s",
                {"us": int(seconds * MICRO)},
            )

    return passed


async def granted(limiters, policy, times, key="ann"):
    takes = (limiters[n % len(limiters)].take(policy, key) for n in range(times))
    return [count for count in await asyncio.gather(*takes) if count.granted]


async def test_a_burst_through_three_processes_gets_what_the_policy_says(core):
    limiters = [PostgresLimiter(core.database) for _ in range(3)]

    assert len(await granted(limiters, MINUTE, 300)) == 100
    assert len(await granted(limiters, MINUTE, 30)) == 0
    assert len(await granted(limiters, MINUTE, 30, key="ben")) == 30


async def test_each_is_told_where_it_stands(limiter):
    counts = await asyncio.gather(*(limiter.take(HOURLY, "ann") for _ in range(5)))

    assert [count.granted for count in counts] == [True, True, True, False, False]
    assert [count.remaining for count in counts] == [2, 1, 0, 0, 0]
    assert {count.retry_after for count in counts[3:]} == {1_200}


async def test_what_was_used_comes_back_and_never_more_than_the_policy_says(core, passed):
    async def burst():  # a limiter that remembers nothing
        return len(await granted([PostgresLimiter(core.database)], MINUTE, 150))

    bursts = [await burst()]
    for seconds in (14, 1.1, 0, 30, 600):
        await passed(seconds)
        bursts.append(await burst())

    assert bursts == [100, 0, 25, 0, 50, 100]


async def test_a_refusal_is_remembered_only_for_as_long_as_it_holds(limiter, core):
    """Who was told no once, asks no server again: until the moment it was told."""
    quick = Policy("quick", 1_000_000, 1)
    slow = Policy("slow", 1, 3_600)
    assert (await limiter.take(slow, "ann")).granted
    first = await limiter.take(slow, "ann")
    async with core.database.connection() as connection:
        await connection.execute("truncate limits.counts")

    again = await limiter.take(slow, "ann")

    assert not again.granted
    assert 0 <= again.at - first.at < 60 * MICRO
    assert (await limiter.take(slow, "ben")).granted
    assert all([(await limiter.take(quick, "ann")).granted for _ in range(3)])


async def test_what_is_given_back_can_be_taken_again(limiter):
    for _ in range(5):
        assert (await limiter.take(HOURLY, "ann")).granted
        await limiter.give_back(HOURLY, "ann")


async def test_another_limit_holds_from_the_next_request_on(limiter):
    assert len(await granted([limiter], HOURLY, 9)) == 3

    more = Policy("hourly", 30, 3_600)

    assert len(await granted([limiter], more, 99)) == 27


async def test_the_rested_are_forgotten(limiter, core, passed):
    await limiter.take(HOURLY, "ann")
    await passed(1_201)
    await limiter.take(HOURLY, "ben")

    await limiter.sweep()

    rows = await core.database.rows("select key from limits.counts")
    assert rows == [("hourly ben",)]


async def test_a_table_that_is_busy_holds_nobody_up_for_long(limiter, settings):
    with psycopg.connect(settings.database_url) as connection:
        connection.execute("lock limits.counts in access exclusive mode")
        with pytest.raises(Unavailable):
            await limiter.take(MINUTE, "ann")
        with pytest.raises(Unavailable):
            await asyncio.wait_for(limiter.take(MINUTE, "ann"), PAUSE / 10)
    limiter._silent_until = 0

    assert (await limiter.take(MINUTE, "ann")).granted


async def test_where_there_is_no_server_it_says_so():
    database = Database("host=/nonexistent connect_timeout=1")
    await database.open()
    try:
        with pytest.raises(Unavailable):
            await PostgresLimiter(database).take(MINUTE, "ann")
    finally:
        await database.close()
