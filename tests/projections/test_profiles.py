"""The profile of an account, event by event."""

from domain.access import Visibility
from domain.account import AccountRegistered, Identity, SettingsChanged, Username, UsernameChanged
from projections.accounts import project
from tests.spec import NOW, OWNER, recorded

identity = Identity(username="ann", email="ann@example.org")
registered = AccountRegistered(plan="free", quota_bytes=10, personal=identity)


def profile(*events):
    found = None
    for event in recorded(*events, stream_id=OWNER):
        found = project(found, event)
    return found


def test_an_account_begins_with_the_settings_that_tell_least():
    found = profile(registered)

    assert (found.id, found.username, found.email) == (OWNER, "ann", "ann@example.org")
    assert (found.plan, found.quota_bytes, found.created_at) == ("free", 10, NOW)
    assert (found.default_visibility, found.keep_gps, found.notify) == (
        Visibility.PRIVATE,
        False,
        {},
    )


def test_settings_change_one_by_one():
    found = profile(
        registered,
        SettingsChanged(keep_gps=True),
        SettingsChanged(default_visibility=Visibility.PUBLIC),
        SettingsChanged(notify={"quota": False}),
        SettingsChanged(),
    )

    assert (found.keep_gps, found.default_visibility) == (True, Visibility.PUBLIC)
    assert (found.notify, found.version) == ({"quota": False}, 5)


def test_a_name_changes_and_is_blank_once_erased():
    renamed = UsernameChanged(personal=Username(username="anna"))
    assert profile(registered, renamed).username == "anna"
    assert profile(registered, UsernameChanged(personal=None)).username == ""
    erased = profile(AccountRegistered(plan="free", quota_bytes=10, personal=None))
    assert (erased.username, erased.email, erased.quota_bytes) == ("", "", 10)
