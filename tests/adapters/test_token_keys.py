"""Keys that follow one another: known before they sign, believed until nobody needs it."""

import pytest

from adapters.token_keys import SPREAD, TokenKeys

LIFETIME = 900


@pytest.fixture
def keys(core):
    return TokenKeys(core.database, core.key, lifetime=LIFETIME)


@pytest.fixture
def passed(core):
    """Time goes by: for the rows, which is the same as for the clock."""

    async def passed(seconds):
        async with core.database.connection() as connection:
            await connection.execute(
                "update secrets.token_keys set made_at = made_at - %s * interval '1 second'",
                (seconds,),
            )

    return passed


async def states(keys):
    return [it.state for it in await keys.all()]


async def ring(keys):
    await keys.load()
    return keys.ring()


async def test_there_is_a_key_from_the_beginning_and_the_same_in_every_process(core, keys):
    other = TokenKeys(core.database, core.key, lifetime=LIFETIME)

    assert await states(keys) == ["signing"]
    assert (await ring(keys)).verifying.keys() == {(await ring(other)).current}


async def test_the_next_key_is_known_before_it_signs_and_the_last_one_after(keys, passed):
    first = (await ring(keys)).current
    second = (await keys.rotate(at_once=False)).key_id

    story = []
    for seconds in (0, SPREAD, LIFETIME, SPREAD):
        await passed(seconds)
        now = await ring(keys)
        story.append((now.current, set(now.verifying)))

    both = {first, second}
    assert story == [(first, both), (second, both), (second, both), (second, {second})]


async def test_a_key_that_leaked_is_worth_nothing_at_once(keys):
    await keys.rotate(at_once=False)

    third = await keys.rotate(at_once=True)

    assert await states(keys) == ["ended", "ended", "signing"]
    assert set((await ring(keys)).verifying) == {(await ring(keys)).current} == {third.key_id}
    await keys.rotate(at_once=False)
    assert await states(keys) == ["ended", "ended", "signing", "coming"]


async def test_keys_may_follow_each_other_faster_than_they_spread(keys, passed):
    for _ in range(3):
        await keys.rotate(at_once=False)
    assert await states(keys) == ["signing", "coming", "coming", "coming"]

    await passed(SPREAD)

    assert await states(keys) == ["verifying", "verifying", "verifying", "signing"]
    assert len({it.key_id for it in await keys.all()}) == 4
