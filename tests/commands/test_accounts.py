"""Signing up, signing in, changing one's name."""

from functools import partial

import pytest

from commands import accounts
from commands.accounts import ChangeAccount, LogIn, SignUp
from commands.arrivals import Arrivals
from commands.guesses import Guesses
from commands.mail import Occasion
from commands.ports import Batch, SetQuota, StreamMoved
from commands.proving import Prover
from domain.account import Identity, SettingsChanged
from domain.claim import Claimed, Released
from domain.refusals import EmailTaken, NotFound, Unauthenticated, Unavailable, UsernameTaken
from tests.commands.memory import (
    MemoryDevices,
    MemoryFactors,
    MemoryLetters,
    MemoryPasswords,
    MemorySessions,
    MemoryStore,
    PlainHasher,
)
from tests.spec import FRIEND, NOW, OWNER, STRANGER

hasher = PlainHasher()
ANN = Identity(username="ann", email="ann@example.org")
NAME, EMAIL = hasher.claim_id("username", "ann"), hasher.claim_id("email", "ann@example.org")


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def passwords():
    return MemoryPasswords()


@pytest.fixture
def letters():
    return MemoryLetters()


@pytest.fixture
def sign_up(store, passwords, letters):
    return partial(
        accounts.sign_up,
        SignUp(identity=ANN, password="secret"),
        store=store,
        passwords=passwords,
        hasher=hasher,
        letters=letters,
        new_id=lambda: OWNER,
        plan="free",
        quota_bytes=10,
    )


async def test_an_account_and_both_its_names_begin_together(store, passwords, sign_up):
    signed_up = await sign_up()

    (batches,) = store.appended
    assert [batch.stream_id for batch in batches] == [OWNER, EMAIL, NAME]
    assert store.events(NAME) == store.events(EMAIL) == [Claimed(account_id=OWNER)]
    assert store.guards == [SetQuota(account_id=OWNER, quota_bytes=10)]
    assert (signed_up.account_id, passwords.kept) == (OWNER, {OWNER: "secret"})


async def test_whoever_signs_up_is_asked_once_whether_the_address_is_theirs(
    store, letters, sign_up
):
    for _ in range(2):
        await sign_up()

    (letter,) = letters.posted.values()
    assert (letter.occasion, letter.address) == (Occasion.VERIFY, ANN.email)


@pytest.mark.parametrize(("taken", "refusal"), [(EMAIL, EmailTaken), (NAME, UsernameTaken)])
async def test_a_taken_name_leaves_nothing_behind(store, passwords, sign_up, taken, refusal):
    store.begun(taken, Claimed(account_id=STRANGER))

    with pytest.raises(refusal):
        await sign_up()

    assert (store.events(OWNER), passwords.kept) == ([], {})


async def test_so_does_a_name_that_is_taken_just_then(store, passwords, sign_up):
    store.rivals = [Batch(stream_id=NAME, after=0, events=[Claimed(account_id=STRANGER)])]

    with pytest.raises(UsernameTaken):
        await sign_up()

    assert (store.events(OWNER), passwords.kept) == ([], {})


async def test_a_released_name_is_free(store, sign_up):
    store.begun(NAME, Claimed(account_id=STRANGER), Released())

    await sign_up()

    assert store.events(NAME)[-1] == Claimed(account_id=OWNER)


async def test_a_lost_database_may_have_recorded_it_so_the_password_stays(
    store, passwords, sign_up
):
    store.broken = Unavailable(dependency="database")

    with pytest.raises(Unavailable):
        await sign_up()

    assert passwords.kept == {OWNER: "secret"}


async def test_who_never_gets_a_turn_keeps_no_password(store, passwords, sign_up):
    store.broken = StreamMoved()

    with pytest.raises(StreamMoved):
        await sign_up()

    assert passwords.kept == {}


async def test_the_right_password_opens_a_session(store, passwords, sign_up):
    await sign_up()
    log_in = partial(
        accounts.log_in,
        store=store,
        sessions=MemorySessions(),
        hasher=hasher,
        arrivals=Arrivals(devices=MemoryDevices(), store=store),
        prover=Prover(
            passwords=passwords,
            factors=MemoryFactors(),
            guesses=Guesses(None),
            now=lambda: NOW,
        ),
    )

    session = await log_in(LogIn(email="ANN@example.org", password="secret"))

    assert session.account_id == OWNER
    for email, password in ((ANN.email, "wrong"), ("nobody@example.org", "secret")):
        with pytest.raises(Unauthenticated):
            await log_in(LogIn(email=email, password=password))
    assert passwords.asked == [OWNER, OWNER, None], "the unknown is checked as well"


def change(store, **fields):
    return accounts.change_account(ChangeAccount(by=OWNER, **fields), store=store, hasher=hasher)


async def test_a_new_name_is_claimed_and_the_old_one_released(store, sign_up):
    await sign_up()
    settings = SettingsChanged(keep_gps=True)

    receipt = await change(store, username="anna", settings=settings)

    assert receipt.version == 3
    assert store.events(NAME)[-1] == Released()
    assert store.events(hasher.claim_id("username", "anna")) == [Claimed(account_id=OWNER)]
    assert store.events(OWNER)[-1] == settings
    assert (await change(store, username="anna", settings=settings)).position is None


async def test_another_spelling_needs_no_other_claim(store, sign_up):
    await sign_up()

    await change(store, username="ANN")

    assert store.events(NAME) == [Claimed(account_id=OWNER)]
    assert store.events(OWNER)[-1].personal.username == "ANN"


async def test_anothers_name_stays_anothers(store, sign_up):
    await sign_up()
    bens = hasher.claim_id("username", "ben")
    store.begun(bens, Claimed(account_id=FRIEND))

    with pytest.raises(UsernameTaken):
        await change(store, username="Ben", settings=SettingsChanged(keep_gps=True))

    assert len(store.events(OWNER)) == 1


async def test_nobody_changes_nothing(store):
    with pytest.raises(NotFound):
        await change(store, username="ann")
    with pytest.raises(NotFound):
        await change(store, settings=SettingsChanged(keep_gps=True))
    assert store.appended == []
