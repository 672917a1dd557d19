"""The SecondFactors port, in memory and on Postgres; and what both factors together prove."""

import asyncio
from datetime import timedelta

import pytest

from adapters.sealing import Sealer
from adapters.second_factors import PostgresSecondFactors
from commands.guesses import Guesses
from commands.proving import Claimant, Prover
from commands.second_factor import RECOVERY_CODES, recovery_codes
from domain import totp
from domain.refusals import SecondFactorRequired, Unauthenticated
from tests.commands.memory import MemoryFactors, MemoryPasswords
from tests.spec import NOW, OWNER, STRANGER

SECRET = b"12345678901234567890"
WORD = "correct horse"


def on_postgres(core):
    return PostgresSecondFactors(core.database, Sealer(core.key.derived("totp")), b"pepper")


@pytest.fixture(params=["memory", "postgres"])
def factors(request):
    if request.param == "memory":
        return MemoryFactors()
    return on_postgres(request.getfixturevalue("core"))


@pytest.fixture
async def prover(factors):
    passwords = MemoryPasswords()
    await passwords.set(OWNER, WORD)
    return Prover(passwords=passwords, factors=factors, guesses=Guesses(None), now=lambda: NOW)


ANN = Claimant(account_id=OWNER, subject=OWNER)


def code(seconds=0):
    return totp.code(SECRET, totp.step(NOW + timedelta(seconds=seconds)))


async def turned_on(factors, codes=()):
    await factors.propose(OWNER, SECRET)
    await factors.confirm(OWNER, codes)


async def test_without_a_factor_the_password_is_enough(prover, factors):
    await prover.by_both(ANN, WORD, None)
    await factors.propose(OWNER, SECRET)
    await prover.by_both(ANN, WORD, None)


async def test_with_one_it_is_asked_for_once_the_password_is_right(prover, factors):
    await turned_on(factors)

    for password in ("wrong", ""):
        with pytest.raises(Unauthenticated):
            await prover.by_both(ANN, password, code())
    for missing in (None, ""):
        with pytest.raises(SecondFactorRequired):
            await prover.by_both(ANN, WORD, missing)
    with pytest.raises(Unauthenticated):
        await prover.by_both(ANN, WORD, "000000")
    await prover.by_both(ANN, WORD, code())


async def test_a_code_works_once_and_so_does_none_before_it(prover, factors):
    await turned_on(factors)
    await prover.by_both(ANN, WORD, code())

    for replayed in (code(), code(-30)):
        with pytest.raises(Unauthenticated):
            await prover.by_both(ANN, WORD, replayed)
    await prover.by_both(ANN, WORD, code(30))


async def test_of_many_who_replay_it_at_once_one_gets_in(core):
    factors = on_postgres(core)
    await turned_on(factors)

    used = await asyncio.gather(*(factors.use(OWNER, 7) for _ in range(20)))

    assert used.count(True) == 1


async def test_each_recovery_code_works_once_for_its_owner_only(prover, factors):
    codes = recovery_codes()
    assert len(set(codes)) == RECOVERY_CODES
    await turned_on(factors, codes)

    assert not await factors.recover(STRANGER, codes[0])
    await prover.by_both(ANN, WORD, f" {codes[0][:5]}-{codes[0][5:].upper()}")
    with pytest.raises(Unauthenticated):
        await prover.by_both(ANN, WORD, codes[0])
    await prover.by_both(ANN, WORD, codes[1])


async def test_a_factor_is_replaced_only_before_it_is_confirmed(core):
    factors = on_postgres(core)
    await factors.propose(OWNER, b"first")
    await factors.propose(OWNER, SECRET)
    await factors.confirm(OWNER, ())

    await factors.propose(OWNER, b"third")

    found = await factors.find(OWNER)
    assert (found.secret, found.confirmed) == (SECRET, True)
    await factors.forget(OWNER)
    assert await factors.find(OWNER) is None


async def test_who_reads_the_database_finds_neither_secret_nor_codes(core):
    await turned_on(on_postgres(core), ["abcdefghjk"])

    rows = await core.database.rows(
        "select f::text, c::text from secrets.second_factors f, secrets.recovery_codes c"
    )

    assert SECRET.hex() not in str(rows)
    assert "abcdefghjk" not in str(rows)
