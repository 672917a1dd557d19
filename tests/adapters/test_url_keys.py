"""Keys that sign URLs: found by whoever has not heard of them, believed as long as it is said."""

import asyncio
from datetime import timedelta

import pytest

from adapters.url_keys import UrlKeys


@pytest.fixture
async def keys(core):
    keys = UrlKeys(core.database, core.key)
    await keys.load()
    return keys


@pytest.fixture
async def other(core):
    """Another process."""
    keys = UrlKeys(core.database, core.key)
    await keys.load()
    return keys


async def states(keys):
    return [(it.key_id, it.state) for it in await keys.all()]


async def test_there_is_a_key_from_the_beginning_and_the_same_in_every_process(keys, other):
    assert await states(keys) == [("1", "signing")]
    assert keys.ring() == other.ring()
    assert list(keys.ring()) == ["1"]


async def test_the_next_key_signs_and_the_last_one_is_believed_for_as_long_as_is_said(core, keys):
    made = await keys.rotate(timedelta(days=30))
    await keys.load()

    assert list(keys.ring()) == ["1", made.key_id]
    assert await states(keys) == [("1", "verifying"), ("2", "signing")]
    assert len(set(keys.ring().values())) == 2
    async with core.database.connection() as connection:
        await connection.execute(
            "update secrets.url_keys set older_until = older_until - interval '30 days'"
        )
    await keys.load()
    assert await states(keys) == [("1", "ended"), ("2", "signing")]
    assert list(keys.ring()) == ["2"]


async def test_none_older_is_believed_longer_than_any_later_key_says(keys):
    await keys.rotate(timedelta(days=30))
    await keys.rotate(timedelta())
    await keys.rotate(timedelta(days=30))

    assert [state for _, state in await states(keys)] == ["ended", "ended", "verifying", "signing"]


async def test_what_is_stored_is_no_key(core, keys):
    await keys.rotate(timedelta(days=1))
    await keys.load()

    ((wrapped,),) = await core.database.rows("select wrapped from secrets.url_keys")

    assert keys.ring()["2"] not in wrapped
    assert core.key.unwrap(wrapped) == keys.ring()["2"]


async def test_a_key_that_is_not_known_is_looked_for(keys, other):
    made = await other.rotate(timedelta(days=1))
    assert made.key_id not in keys.ring()

    await asyncio.gather(*(keys.meet(made.key_id) for _ in range(20)))

    assert made.key_id in keys.ring()


async def test_whoever_names_keys_that_there_are_not_costs_next_to_nothing(keys, monkeypatch):
    looks, load = [], keys.load

    async def counted():
        looks.append(None)
        await load()

    monkeypatch.setattr(keys, "load", counted)
    await asyncio.gather(*(keys.meet(str(number)) for number in range(2, 500)))
    await asyncio.gather(*(keys.meet(odd) for odd in ("", "x", "-1", "9" * 9, "1")))

    assert len(looks) == 1
