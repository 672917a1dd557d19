"""Passwords and sessions: the contracts of their ports, on Postgres."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import argon2
import pytest

from adapters import passwords as module
from adapters.passwords import Argon2Passwords
from adapters.sessions import PostgresSessions
from domain.ids import AccountId
from domain.refusals import Unauthenticated
from tests.spec import NOW

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
    first = await sessions.open(account)

    second = await sessions.rotate(first.refresh_token)

    assert second.account_id == account
    assert second.family == first.family
    assert second.refresh_token != first.refresh_token
    assert (await sessions.rotate(second.refresh_token)).account_id == account


async def test_a_token_used_twice_kills_its_family_and_no_other(sessions, account):
    first, other = await sessions.open(account), await sessions.open(account)
    second = await sessions.rotate(first.refresh_token)

    with pytest.raises(Unauthenticated):
        await sessions.rotate(first.refresh_token)

    with pytest.raises(Unauthenticated):
        await sessions.rotate(second.refresh_token)
    assert await sessions.rotate(other.refresh_token)


async def test_20_at_once_never_make_two_heads(sessions, account):
    """One wins and the others are reuse, or they kill the family before: never two heads."""
    first = await sessions.open(account)

    outcomes = await asyncio.gather(
        *(sessions.rotate(first.refresh_token) for _ in range(20)), return_exceptions=True
    )

    heads = [it for it in outcomes if not isinstance(it, Unauthenticated)]
    assert len(heads) <= 1
    for head in heads:
        with pytest.raises(Unauthenticated):
            await sessions.rotate(head.refresh_token)


async def test_a_session_ends_when_told_and_when_its_time_is_over(core, sessions, account):
    closed, late = await sessions.open(account), await sessions.open(account)
    await sessions.close(closed.refresh_token)
    await sessions.close("drt_unknown")

    with pytest.raises(Unauthenticated):
        await sessions.rotate(closed.refresh_token)
    afterwards = PostgresSessions(
        core.database, lifetime=timedelta(days=30), now=lambda: NOW + timedelta(days=31)
    )
    with pytest.raises(Unauthenticated):
        await afterwards.rotate(late.refresh_token)


async def test_no_token_is_stored_as_it_is(core, sessions, account):
    token = (await sessions.open(account)).refresh_token

    rows = await core.database.rows("select t::text from secrets.refresh_tokens t")

    assert token not in str(rows)
    assert token.removeprefix("drt_").encode().hex() not in str(rows)
