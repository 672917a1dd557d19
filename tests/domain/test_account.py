from functools import partial

import pytest

from domain import account, claim
from domain.access import Visibility
from domain.account import (
    AccountRegistered,
    Duplicates,
    Identity,
    SettingsChanged,
    Username,
    UsernameChanged,
)
from domain.refusals import Conflict, NotFound
from tests.spec import IMAGE, OWNER, STRANGER, TWIN, Given

given = partial(Given, account.evolve)
identity = Identity(username="ann", email="ann@example.org")
registered = AccountRegistered(plan="free", quota_bytes=10, personal=identity)


def test_an_account_begins_with_a_plan_and_a_quota():
    given().when(account.register, identity=identity, plan="free", quota_bytes=10).then(registered)


def test_and_begins_once():
    again = {"plan": "free", "quota_bytes": 10}
    given(registered).when(account.register, identity=identity, **again).then_nothing()
    other = Identity(username="ann", email="other@example.org")
    given(registered).when(account.register, identity=other, **again).then_refused(Conflict)


def test_what_becomes_of_duplicates_is_a_setting():
    asked = SettingsChanged(duplicates=Duplicates.RETURN)
    given(registered).when(account.change_settings, to=asked).then(asked)
    given(registered, asked).when(account.change_settings, to=asked).then_nothing()


def test_a_name_can_change():
    given(registered).when(account.rename, to="anna").then(
        UsernameChanged(personal=Username(username="anna"))
    )
    given(registered).when(account.rename, to="ann").then_nothing()
    given().when(account.rename, to="ann").then_refused(NotFound)


def test_only_settings_that_change_are_recorded():
    asked = SettingsChanged(default_visibility=Visibility.PRIVATE, keep_gps=True)
    given(registered).when(account.change_settings, to=asked).then(SettingsChanged(keep_gps=True))
    given(registered, asked).when(account.change_settings, to=asked).then_nothing()


def test_an_erased_identity_still_folds():
    state = account.evolve(None, AccountRegistered(plan="free", quota_bytes=10, personal=None))
    assert (state.username, state.email, state.quota_bytes) == ("", "", 10)


@pytest.mark.parametrize(
    ("history", "by", "expected"),
    [
        ([], OWNER, [claim.Claimed(account_id=OWNER)]),
        ([claim.Claimed(account_id=OWNER)], OWNER, []),
        ([claim.Claimed(account_id=OWNER)], STRANGER, None),
        (
            [claim.Claimed(account_id=OWNER), claim.Released()],
            STRANGER,
            [claim.Claimed(account_id=STRANGER)],
        ),
    ],
)
def test_a_name_has_one_holder(history, by, expected):
    state = None
    for event in history:
        state = claim.evolve(state, event)

    assert claim.take(state, by=by) == expected


def test_only_its_holder_releases_a_name():
    held = claim.Claim(holder=OWNER)
    assert claim.release(held, by=STRANGER) == []
    assert claim.release(held, by=OWNER) == [claim.Released()]


def test_bytes_are_kept_by_one_image_at_a_time():
    kept = claim.Claimed(account_id=OWNER, image_id=IMAGE)
    assert claim.keep(None, by=OWNER, image_id=IMAGE) == [kept]
    state = claim.evolve(None, kept)
    assert claim.keep(state, by=OWNER, image_id=IMAGE) == []
    assert claim.keep(state, by=OWNER, image_id=TWIN) == [
        claim.Claimed(account_id=OWNER, image_id=TWIN)
    ]
