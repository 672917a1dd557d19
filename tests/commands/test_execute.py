"""The one path by which events come to be."""

import pytest

from commands.execute import ATTEMPTS, Stream, execute, execute_together
from commands.ports import Batch, StreamMoved
from domain import account
from domain.account import AccountRegistered, Identity, SettingsChanged, Username, UsernameChanged
from domain.refusals import NotFound, PreconditionFailed
from tests.commands.memory import MemoryStore
from tests.spec import IMAGE, OWNER

registered = AccountRegistered(
    plan="free", quota_bytes=10, personal=Identity(username="ann", email="a@b")
)
opted_in = SettingsChanged(keep_gps=True)
stream = Stream(OWNER, account.evolve)
other = Stream(IMAGE, account.evolve)


def renamed(name):
    return UsernameChanged(personal=Username(username=name))


def opt_in(state):
    return account.change_settings(state, to=opted_in)


async def test_what_was_decided_is_recorded_behind_what_was_known():
    store = MemoryStore().begun(OWNER, registered)

    receipt = await execute(store, stream, opt_in, by=OWNER)

    assert store.events(OWNER) == [registered, opted_in]
    assert (receipt.version, receipt.position) == (2, 2)


async def test_nothing_to_do_records_nothing_and_has_no_position():
    store = MemoryStore().begun(OWNER, registered, opted_in)

    receipt = await execute(store, stream, opt_in, by=OWNER)

    assert store.appended == []
    assert (receipt.version, receipt.position) == (2, None)


async def test_a_refusal_records_nothing():
    store = MemoryStore()

    with pytest.raises(NotFound):
        await execute(store, stream, opt_in, by=OWNER)

    assert store.appended == []


async def test_whoever_comes_second_decides_again_on_what_is_new():
    store = MemoryStore().begun(OWNER, registered)
    store.rivals = [Batch(stream_id=OWNER, after=1, events=[renamed("b")])]
    seen = []

    def decide(state):
        seen.append(state.username)
        return [renamed(state.username + "!")]

    receipt = await execute(store, stream, decide, by=OWNER)

    assert seen == ["ann", "b"]
    assert store.events(OWNER)[1:] == [renamed("b"), renamed("b!")]
    assert receipt.version == 3


async def test_whose_wish_was_fulfilled_meanwhile_has_nothing_to_do():
    store = MemoryStore().begun(OWNER, registered)
    store.rivals = [Batch(stream_id=OWNER, after=1, events=[opted_in])]

    receipt = await execute(store, stream, opt_in, by=OWNER)

    assert store.events(OWNER) == [registered, opted_in]
    assert receipt.position is None


async def test_whoever_always_comes_second_gives_up():
    store = MemoryStore().begun(OWNER, registered)
    store.rivals = [
        Batch(stream_id=OWNER, after=0, events=[renamed(f"n{number}")]) for number in range(9)
    ]

    with pytest.raises(StreamMoved):
        await execute(store, stream, opt_in, by=OWNER)

    assert len(store.events(OWNER)) == 1 + ATTEMPTS


async def test_a_caller_who_saw_another_version_is_refused_with_both():
    store = MemoryStore().begun(OWNER, registered, renamed("b"))

    for decide in (opt_in, lambda state: []):
        with pytest.raises(PreconditionFailed) as caught:
            await execute(store, stream, decide, by=OWNER, expected=frozenset({1}))
        assert caught.value.facts == {"expected": 1, "actual": 2}
    assert store.appended == []
    assert (await execute(store, stream, opt_in, by=OWNER, expected=frozenset({1, 2}))).version == 3


async def test_a_caller_is_not_served_on_a_newer_version_either():
    store = MemoryStore().begun(OWNER, registered)
    store.rivals = [Batch(stream_id=OWNER, after=1, events=[renamed("b")])]

    with pytest.raises(PreconditionFailed):
        await execute(store, stream, opt_in, by=OWNER, expected=frozenset({1}))


async def test_who_may_not_ask_learns_no_version():
    store = MemoryStore()

    with pytest.raises(NotFound):
        await execute(store, stream, opt_in, by=OWNER, expected=frozenset({7}))


async def test_guards_see_the_state_before_and_after():
    store = MemoryStore().begun(OWNER, registered)
    seen = []

    def guards(before, after):
        seen.append((before.keep_gps, after.keep_gps))
        return ()

    await execute(store, stream, opt_in, by=OWNER, guards=guards)

    assert seen == [(False, True)]


async def test_several_streams_move_together_or_not_at_all():
    store = MemoryStore().begun(OWNER, registered)

    receipt = await execute_together(
        store, [stream, other], lambda states: [[opted_in], [registered]], by=OWNER
    )

    (batches,) = store.appended
    assert [(batch.stream_id, batch.after) for batch in batches] == [(OWNER, 1), (IMAGE, 0)]
    assert receipt.version == 2
    store.rivals = [Batch(stream_id=IMAGE, after=1, events=[renamed("b")])] * ATTEMPTS
    with pytest.raises(StreamMoved):
        await execute_together(
            store, [stream, other], lambda states: [[renamed("x")], [renamed("y")]], by=OWNER
        )
    assert renamed("x") not in store.events(OWNER)


async def test_a_stream_without_events_is_left_alone():
    store = MemoryStore().begun(OWNER, registered)

    await execute_together(store, [stream, other], lambda states: [[opted_in], []], by=OWNER)

    (batches,) = store.appended
    assert [batch.stream_id for batch in batches] == [OWNER]
