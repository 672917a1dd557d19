"""Who runs short of room is noted: every threshold once, whatever the read model knows yet."""

from uuid import UUID

import pytest

from adapters.usages import PostgresUsages
from domain.account import AccountRegistered, Identity
from domain.account_marks import QuotaThresholdLeft, QuotaThresholdReached
from domain.organization import Name, OrganizationCreated, RoomRanShort
from domain.plan import THRESHOLDS
from projections.thresholds import Usage, Watcher
from tests.commands.memory import MemoryStore
from tests.spec import OWNER, STRANGER

ORGANIZATION = UUID(int=77)
registered = AccountRegistered(
    plan="free", quota_bytes=1_000, personal=Identity(username="ann", email="ann@example.org")
)


@pytest.fixture
def store():
    return MemoryStore().begun(OWNER, registered).begun(STRANGER, registered)


@pytest.fixture
async def usage(core):
    """Sets the counter, and what the read model says was noted."""

    async def usage(used, reached, account_id=OWNER, quota=1_000):
        async with core.database.connection() as connection:
            await connection.execute(
                "insert into log.account_usage (account_id, quota, used) values (%s, %s, %s)"
                " on conflict (account_id) do update set quota = excluded.quota,"
                " used = excluded.used",
                (account_id, quota, used),
            )
            await connection.execute(
                "insert into accounts.profiles (id, version, username, email, plan, quota_bytes,"
                " default_visibility, keep_gps, notify, duplicates, verified, second_factor,"
                " suspended, administrator, strikes, presets, reached, created_at) values (%s, 1,"
                " 'ann', 'a@example.org', 'free', %s, 'private', false, '{}', 'keep', false, false,"
                " false, false, '{}', '{}', %s, now())"
                " on conflict (id) do update set reached = excluded.reached",
                (account_id, quota, reached),
            )

    return usage


def watcher(core, store):
    return Watcher(PostgresUsages(core.database), store=store)


def noted(store, account_id=OWNER):
    return store.events(account_id)[1:]


async def test_each_threshold_is_noted_once(core, store, usage):
    for used in (799, 800, 800, 960, 1_000, 1_000):
        await usage(used, max((it.percent for it in noted(store)), default=0))
        await watcher(core, store).work()

    assert noted(store) == [QuotaThresholdReached(percent=it) for it in THRESHOLDS]


async def test_a_late_read_model_makes_nothing_happen_twice(core, store, usage):
    await usage(1_000, 0)

    counts = [await watcher(core, store).work() for _ in range(3)]

    assert counts == [1, 0, 0]
    assert len(noted(store)) == 3


async def test_room_that_is_free_again_is_noted_too(core, store, usage):
    await usage(1_000, 0)
    await watcher(core, store).work()
    await usage(0, 100)

    await watcher(core, store).work()

    assert noted(store)[-1] == QuotaThresholdLeft(percent=0)


async def test_whoever_has_room_is_not_even_looked_at(core, usage):
    usages = PostgresUsages(core.database)
    await usage(799, 0)
    await usage(950, 95, STRANGER)
    assert await usages.unsettled(after=None, limit=10) == []

    await usage(800, 0)
    await usage(1_000, 95, STRANGER)

    full = Usage(account_id=STRANGER, used=1_000, quota=1_000)
    assert [it.account_id for it in await usages.unsettled(after=None, limit=10)] == [
        OWNER,
        STRANGER,
    ]
    assert await usages.unsettled(after=OWNER, limit=10) == [full]
    await usage(0, 0, quota=0)
    assert await usages.unsettled(after=None, limit=10) == [full], "no room, and nothing in it"


async def test_an_organization_is_noted_in_its_own_history(core, usage):
    made = OrganizationCreated(
        owner_id=OWNER, plan="free", quota_bytes=1_000, personal=Name(name="Firm")
    )
    store = MemoryStore().begun(ORGANIZATION, made)
    async with core.database.connection() as connection:
        await connection.execute(
            "insert into organizations.organizations (id, version, name, plan, quota_bytes,"
            " members, teams, invitations, reached, created_at) values (%s, 1, 'Firm', 'free',"
            " 1000, '{}', '{}', '{}', 0, now())",
            (ORGANIZATION,),
        )
        await connection.execute(
            "insert into log.account_usage (account_id, quota, used) values (%s, 1000, 950)",
            (ORGANIZATION,),
        )

    counts = [await watcher(core, store).work() for _ in range(2)]

    assert counts == [1, 0]
    assert noted(store, ORGANIZATION) == [RoomRanShort(percent=80), RoomRanShort(percent=95)]


async def test_one_that_cannot_be_noted_keeps_nobody_else_waiting(core, store, usage):
    broken = store.load

    async def load(stream_id):
        if stream_id == OWNER:
            raise KeyError("a defect of ours")
        return await broken(stream_id)

    store.load = load
    for account_id in (OWNER, STRANGER):
        await usage(800, 0, account_id)

    assert await watcher(core, store).work() == 1
    assert noted(store, STRANGER) == [QuotaThresholdReached(percent=80)]


async def test_many_are_looked_at_page_by_page(core, store, usage, monkeypatch):
    monkeypatch.setattr("projections.thresholds.PAGE", 1)
    for account_id in (OWNER, STRANGER):
        await usage(800, 0, account_id)

    assert await watcher(core, store).work() == 2
