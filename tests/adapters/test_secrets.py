"""Passwords and sessions: the contracts of their ports, on Postgres."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import argon2
import pytest

from adapters import passwords as module
from adapters.passwords import Argon2Passwords
from adapters.sessions import PostgresSessions
from commands.sessions import Device
from domain.ids import AccountId, SessionId
from domain.refusals import Unauthenticated
from tests.spec import NOW

HERE = Device(client="192.0.2.1", agent="Here/1.0")
THERE = Device(client="192.0.2.2", agent="There/1.0")
WEIRD = [
    "x" * 500,
    "la contraseña",
    "\0\0\0\0\0\0\0\0",
    "🦆" * 20,
    "'; drop table secrets; --",
]


@pytest.fixture
def passwords(core):
    return Argon2Passwords(core.database)


@pytest.fixture
def account():
    return AccountId(uuid4())


@pytest.mark.parametrize("password", WEIRD)
async def test_a_password_works_unmodified(passwords, account, password):
    await passwords.set(account, password)

    assert await passwords.verify(account, password)
    assert not await passwords.verify(account, password[:-1])
    assert not await passwords.verify(account, password + " ")
    assert not await passwords.verify(AccountId(uuid4()), password)
    assert not await passwords.verify(None, password)


async def test_it_is_kept_as_argon2id_and_can_be_replaced_and_forgotten(core, passwords, account):
    await passwords.set(account, "first")
    await passwords.set(account, "second")

    ((hash,),) = await core.database.rows("select hash from secrets.passwords")
    assert hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not await passwords.verify(account, "first")
    await passwords.forget(account)
    assert not await passwords.verify(account, "second")


async def test_a_weaker_hash_is_replaced_at_the_next_login(core, passwords, account, monkeypatch):
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1)
    with monkeypatch.context() as patched:
        patched.setattr(module, "_HASHER", weak)
        await passwords.set(account, "word")

    assert await passwords.verify(account, "word")

    ((hash,),) = await core.database.rows("select hash from secrets.passwords")
    assert "m=19456,t=2" in hash


async def test_no_more_hashes_at_once_than_memory_allows(core, account, monkeypatch):
    passwords, running, most = Argon2Passwords(core.database, at_once=2), 0, 0

    async def counted(work):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        return work()

    monkeypatch.setattr(asyncio, "to_thread", counted)
    await asyncio.gather(*(passwords.verify(None, "x") for _ in range(20)))

    assert most == 2


@pytest.fixture
def sessions(core):
    return PostgresSessions(core.database, lifetime=timedelta(days=30), now=lambda: NOW)


async def test_each_refresh_token_works_once(sessions, account):
    first = await sessions.open(account, HERE)

    second = await sessions.rotate(first.refresh_token, HERE)

    assert second.account_id == account
    assert second.family == first.family
    assert second.refresh_token != first.refresh_token
    assert (await sessions.rotate(second.refresh_token, HERE)).account_id == account


async def test_a_token_used_twice_kills_its_family_and_no_other(sessions, account):
    first, other = await sessions.open(account, HERE), await sessions.open(account, HERE)
    second = await sessions.rotate(first.refresh_token, HERE)

    with pytest.raises(Unauthenticated):
        await sessions.rotate(first.refresh_token, HERE)

    with pytest.raises(Unauthenticated):
        await sessions.rotate(second.refresh_token, HERE)
    assert await sessions.rotate(other.refresh_token, HERE)


async def test_20_at_once_never_make_two_heads(sessions, account):
    """One wins and the others are reuse, or they kill the family before: never two heads."""
    first = await sessions.open(account, HERE)

    outcomes = await asyncio.gather(
        *(sessions.rotate(first.refresh_token, HERE) for _ in range(20)), return_exceptions=True
    )

    heads = [it for it in outcomes if not isinstance(it, Unauthenticated)]
    assert len(heads) <= 1
    for head in heads:
        with pytest.raises(Unauthenticated):
            await sessions.rotate(head.refresh_token, HERE)


async def test_a_session_ends_when_told_and_when_its_time_is_over(core, sessions, account):
    closed, late = await sessions.open(account, HERE), await sessions.open(account, HERE)
    await sessions.close(closed.refresh_token)
    await sessions.close("drt_unknown")

    with pytest.raises(Unauthenticated):
        await sessions.rotate(closed.refresh_token, HERE)
    afterwards = PostgresSessions(
        core.database, lifetime=timedelta(days=30), now=lambda: NOW + timedelta(days=31)
    )
    with pytest.raises(Unauthenticated):
        await afterwards.rotate(late.refresh_token, HERE)


async def test_no_token_is_stored_as_it_is(core, sessions, account):
    token = (await sessions.open(account, HERE)).refresh_token

    rows = await core.database.rows("select t::text from secrets.refresh_tokens t")

    assert token not in str(rows)
    assert token.removeprefix("drt_").encode().hex() not in str(rows)


async def test_sessions_are_listed_with_where_they_were_used_last(sessions, account):
    first, second = await sessions.open(account, HERE), await sessions.open(account, HERE)
    await sessions.open(AccountId(uuid4()), HERE)
    await sessions.rotate(first.refresh_token, THERE)

    found = {it.id: it.device for it in await sessions.of(account)}

    assert found == {first.family: THERE, second.family: HERE}


async def test_one_can_be_ended_by_its_owner_only(sessions, account):
    first, second = await sessions.open(account, HERE), await sessions.open(account, HERE)

    assert not await sessions.end(AccountId(uuid4()), first.family)
    assert await sessions.end(account, first.family)
    assert not await sessions.end(account, first.family)

    with pytest.raises(Unauthenticated):
        await sessions.rotate(first.refresh_token, HERE)
    assert await sessions.rotate(second.refresh_token, HERE)
    assert [it.id for it in await sessions.of(account)] == [second.family]


async def test_all_can_be_ended_but_one(sessions, account):
    kept, *others = [await sessions.open(account, HERE) for _ in range(3)]
    neighbour = await sessions.open(AccountId(uuid4()), HERE)

    await sessions.end_all(account, but=kept.family)

    for other in others:
        with pytest.raises(Unauthenticated):
            await sessions.rotate(other.refresh_token, HERE)
    for living in (kept, neighbour):
        assert await sessions.rotate(living.refresh_token, HERE)
    await sessions.end_all(account)
    assert await sessions.of(account) == []


async def test_what_has_expired_is_forgotten(core, sessions, account):
    await sessions.open(account, HERE)
    patient = PostgresSessions(core.database, lifetime=timedelta(days=90), now=lambda: NOW)
    living = await patient.open(account, HERE)

    await PostgresSessions(
        core.database, lifetime=timedelta(days=30), now=lambda: NOW + timedelta(days=31)
    ).sweep()

    for table, column in (("sessions", "id"), ("refresh_tokens", "family")):
        rows = await core.database.rows(f"select {column} from secrets.{table}")
        assert [SessionId(id) for (id,) in rows] == [living.family]
