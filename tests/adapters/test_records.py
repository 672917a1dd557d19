"""The Records port: one run at a time under a key, the same seed for all, sealed answers."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from adapters.idempotency import PostgresRecords
from commands.idempotency import Answer, Scope
from domain.refusals import IdempotencyInProgress, IdempotencyKeyReused
from tests.spec import OWNER, STRANGER

SCOPE = Scope(account_id=OWNER, client="", method="POST", path="/v1/uploads?", key="k")
BODY, OTHER = b"a digest", b"another digest"
ANSWER = Answer(
    status=201,
    headers=[("location", "/v1/images/img_1")],
    body=b'{"title": "CANARY"}',
)


@pytest.fixture
def records(core):
    return PostgresRecords(core.database, core.key)


@pytest.fixture
def hasty(core):
    """A run of it is taken for dead at once; what is kept, is kept for no time."""
    short = timedelta(seconds=-1)
    return PostgresRecords(core.database, core.key, lease=short, kept=short)


async def test_the_answer_comes_again_to_the_same_body(records):
    turn = await records.begin(SCOPE, BODY)
    await records.bind(turn, BODY)
    await records.answered(turn, ANSWER)

    again = await records.begin(SCOPE, BODY)

    assert turn.first
    assert turn.answer is None
    assert again.answer == ANSWER
    await records.bind(again, BODY)
    with pytest.raises(IdempotencyKeyReused):
        await records.bind(again, OTHER)


@pytest.mark.parametrize(
    "change",
    [{"account_id": STRANGER}, {"key": "K"}, {"path": "/v1/images?"}, {"client": "10.0.0.1"}],
)
async def test_a_key_is_the_same_only_within_its_scope(records, change):
    await records.answered(await records.begin(SCOPE, BODY), ANSWER)

    assert (await records.begin(replace(SCOPE, **change), BODY)).first


async def test_of_many_at_once_one_runs(records):
    outcomes = await asyncio.gather(
        *(records.begin(SCOPE, BODY) for _ in range(10)), return_exceptions=True
    )

    assert sorted(type(it).__name__ for it in outcomes) == ["IdempotencyInProgress"] * 9 + ["Turn"]


async def test_who_dies_is_followed_by_a_run_with_the_same_seed(records, hasty):
    dead = await hasty.begin(SCOPE, BODY)

    next_run = await records.begin(SCOPE, BODY)

    assert not next_run.first
    assert (next_run.seed, next_run.begun_at) == (dead.seed, dead.begun_at)
    with pytest.raises(IdempotencyKeyReused):
        await records.bind(next_run, OTHER)


async def test_who_was_only_slow_keeps_no_answer_of_its_own(records, hasty):
    slow = await hasty.begin(SCOPE, BODY)
    heir = await records.begin(SCOPE, BODY)

    await records.answered(slow, ANSWER)
    await records.forget(slow)
    await records.release(slow)

    with pytest.raises(IdempotencyInProgress):
        await records.begin(SCOPE, BODY)
    await records.answered(heir, replace(ANSWER, status=200))
    assert (await records.begin(SCOPE, BODY)).answer == replace(ANSWER, status=200)


async def test_a_hold_lasts_while_it_is_renewed(records, hasty):
    turn = await hasty.begin(SCOPE, BODY)
    await records.renew(turn)

    with pytest.raises(IdempotencyInProgress):
        await records.begin(SCOPE, BODY)


async def test_a_released_record_is_taken_over_at_once_and_a_forgotten_one_is_gone(records):
    turn = await records.begin(SCOPE, BODY)
    await records.release(turn)
    heir = await records.begin(SCOPE, BODY)
    assert heir.seed == turn.seed

    await records.forget(heir)

    fresh = await records.begin(SCOPE, OTHER)
    assert fresh.first
    await records.bind(fresh, OTHER)


async def test_a_body_that_is_still_being_read_is_bound_at_its_end(records):
    turn = await records.begin(SCOPE, None)
    await records.bind(turn, BODY)
    await records.release(turn)

    heir = await records.begin(SCOPE, None)

    with pytest.raises(IdempotencyKeyReused):
        await records.bind(heir, OTHER)
    await records.bind(heir, BODY)


async def test_what_is_old_enough_is_removed_and_nothing_else(records, hasty):
    await hasty.answered(await hasty.begin(SCOPE, BODY), ANSWER)
    await records.answered(await records.begin(replace(SCOPE, key="young"), BODY), ANSWER)

    assert await records.expire() == 1

    assert (await records.begin(SCOPE, BODY)).first
    assert not (await records.begin(replace(SCOPE, key="young"), BODY)).first


async def test_nothing_of_it_can_be_read_or_guessed_from_the_table(core, records):
    await records.answered(await records.begin(SCOPE, BODY), ANSWER)

    ((row,),) = await core.database.rows("select r::text from idempotency.records r")

    for secret in (b"CANARY", b"img_1", BODY, OWNER.bytes, b"/v1/uploads"):
        assert secret.hex() not in row
        assert secret.decode("latin-1") not in row
