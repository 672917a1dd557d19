"""Of several processes one does it; when that one is gone, another does."""

import asyncio
from contextlib import aclosing

import psycopg
import pytest

from adapters import election as electing
from adapters.election import Election
from domain.refusals import Unavailable


@pytest.fixture
def impatient(monkeypatch):
    """Every question goes to the database."""
    monkeypatch.setattr(electing, "PROVEN", 0.0)
    monkeypatch.setattr(electing, "STANDBY", 0.0)


@pytest.fixture
async def elections(core):
    one, another = Election(core.database), Election(core.database)
    async with aclosing(one) as first, aclosing(another) as second:
        yield first, second


async def test_one_is_elected_and_stays_so(elections, impatient):
    first, second = elections
    for _ in range(3):
        assert await first.won("sealer")
        assert not await second.won("sealer")


async def test_each_piece_of_work_has_its_own(elections, impatient):
    first, second = elections
    assert await first.won("sealer")
    assert await second.won("eraser")
    assert not await first.won("eraser")


async def test_who_gives_up_is_followed_by_another(elections, impatient):
    first, second = elections
    assert await first.won("sealer")
    await first.aclose()
    assert await second.won("sealer")


async def test_who_is_cut_off_says_so_and_is_elected_no_longer(core, elections, impatient):
    first, second = elections
    assert await first.won("sealer")
    await core.database.rows(
        "select pg_terminate_backend(pid) from pg_locks"
        " where locktype = 'advisory' and objid = hashtext('elected: sealer')::oid"
    )
    with pytest.raises(Unavailable):
        await first.won("sealer")
    assert await second.won("sealer")
    assert not await first.won("sealer")


async def test_one_look_at_the_session_proves_all_that_it_has_won(elections, monkeypatch):
    first, _ = elections
    asked = []
    execute = psycopg.AsyncConnection.execute

    async def counted(self, query, *rest, **more):
        asked.append(query)
        return await execute(self, query, *rest, **more)

    monkeypatch.setattr(psycopg.AsyncConnection, "execute", counted)
    monkeypatch.setattr(electing, "PROVEN", 1.0)
    for name in ("sealer", "eraser", "meter"):
        assert await first.won(name)
    asked.clear()
    await asyncio.sleep(1.05)
    for name in ("sealer", "eraser", "meter"):
        assert await first.won(name)
    assert len(asked) == 1


async def test_an_answer_holds_for_a_while(elections):
    first, second = elections
    assert not await _after_another(first, second)
    await first.aclose()
    assert not await second.won("sealer")


async def _after_another(first, second) -> bool:
    assert await first.won("sealer")
    return await second.won("sealer")
