"""Whoever follows the log by itself: its events once each, and the others passed by."""

from uuid import uuid4

import pytest

from adapters.follower import Follower
from domain.image_events import ImageCleared
from domain.stream import tag
from tests.adapters.test_following import cleared, opened, write


@pytest.fixture
async def follower(core):
    follower = Follower(core.log, "test", [tag(ImageCleared)])
    await follower.begin()
    return follower


async def position(core) -> int:
    query = "select position from reactors.progress where name = 'test'"
    return (await core.database.rows(query))[0][0]


async def test_it_is_handed_its_events_once_each(core, follower):
    handed = []

    async def act(_, events):
        handed.extend((it.stream_id, it.event) for it in events)

    first, second = uuid4(), uuid4()
    await write(core, first, opened(), cleared())
    assert await follower.step(act) == 1
    await write(core, second, opened(), cleared("clamd"))
    assert [await follower.step(act) for _ in range(2)] == [1, 0]
    assert handed == [(first, cleared()), (second, cleared("clamd"))]


async def test_what_is_not_acted_upon_counts_as_unread(core, follower):
    async def fails(_, events):
        raise KeyError("a defect of ours")

    await write(core, uuid4(), opened(), cleared())
    for _ in range(2):
        with pytest.raises(KeyError):
            await follower.step(fails)


async def test_what_is_not_its_own_is_passed_by_many_at_a_time(core, follower, monkeypatch):
    monkeypatch.setattr("adapters.follower.LAZY", 3)
    began = await position(core)

    async def act(_, events):
        raise AssertionError("there is nothing for it")

    for count in range(1, 5):
        await write(core, uuid4(), opened())
        assert await follower.step(act) == 0
        moved = await position(core) - began
        assert moved == (count if count > 3 else 0)
