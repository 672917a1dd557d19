"""What is on or off about an account, and when its owner is told that room is short."""

from functools import partial

from hypothesis import given as any_of
from hypothesis import strategies as st

from domain import account
from domain.account import AccountErased, AccountRegistered, Identity
from domain.account_marks import (
    AccountReinstated,
    AccountSuspended,
    Device,
    EmailVerified,
    Ground,
    NewDeviceSeen,
    PasswordChanged,
    PlanChanged,
    QuotaChanged,
    QuotaThresholdLeft,
    QuotaThresholdReached,
    SecondFactorDisabled,
    SecondFactorEnabled,
    SignedOut,
    crossed,
)
from domain.plan import THRESHOLDS
from domain.refusals import NotFound
from tests.spec import ANOTHER, ATTEMPT, Given

given = partial(Given, account.evolve)
registered = AccountRegistered(
    plan="free", quota_bytes=1_000, personal=Identity(username="ann", email="ann@example.org")
)
WHY = {"reason": "spam"}
GROUND = Ground(reason="spam")


def test_a_suspension_happens_once_and_is_lifted_once():
    suspended, lifted = AccountSuspended(personal=GROUND), AccountReinstated(personal=GROUND)
    given(registered).when(account.suspend, **WHY).then(suspended)
    given(registered, suspended).when(account.suspend, **WHY).then_nothing()
    given(registered, suspended).when(account.reinstate, **WHY).then(lifted)
    given(registered).when(account.reinstate, **WHY).then_nothing()
    given(registered, suspended, lifted).when(account.suspend, **WHY).then(suspended)


def test_every_new_device_is_noted_while_there_is_somebody_to_tell():
    phone = Device(address="192.0.2.1", agent="Phone")
    seen = NewDeviceSeen(personal=phone)
    given(registered).when(account.meet, device=phone).then(seen)
    given(registered, seen).when(account.meet, device=phone).then(seen)
    given(registered, AccountErased()).when(account.meet, device=phone).then_nothing()
    given().when(account.meet, device=phone).then_nothing()


def test_a_plan_brings_its_quota_and_a_quota_can_differ():
    premium = PlanChanged(plan="premium", quota_bytes=9_000, personal=GROUND)
    to = {"to": "premium", "quota_bytes": 9_000} | WHY
    given(registered).when(account.change_plan, **to).then(premium)
    given(registered, premium).when(account.change_plan, **to).then_nothing()
    more = QuotaChanged(quota_bytes=9_999, personal=GROUND)
    given(registered, premium).when(account.change_quota, to=9_999, **WHY).then(more)
    given(registered, premium, more).when(account.change_quota, to=9_999, **WHY).then_nothing()
    given(registered, premium, more).when(account.change_plan, **to).then(premium)


def test_what_people_do_themselves_is_recorded_where_it_changes_something():
    given(registered).when(account.change_password).then(PasswordChanged())
    given(registered, PasswordChanged()).when(account.change_password).then(PasswordChanged())
    given(registered).when(account.verify_email).then(EmailVerified())
    given(registered, EmailVerified()).when(account.verify_email).then_nothing()
    given(registered).when(account.enable_second_factor).then(SecondFactorEnabled())
    on = (registered, SecondFactorEnabled())
    given(*on).when(account.enable_second_factor).then_nothing()
    given(*on).when(account.disable_second_factor).then(SecondFactorDisabled())
    given(registered).when(account.disable_second_factor).then_nothing()
    out = SignedOut(request=ATTEMPT, personal=GROUND)
    given(registered).when(account.sign_out, request=ATTEMPT, **WHY).then(out)
    given(registered, out).when(account.sign_out, request=ATTEMPT, **WHY).then_nothing()
    again = SignedOut(request=ANOTHER, personal=GROUND)
    given(registered, out).when(account.sign_out, request=ANOTHER, **WHY).then(again)


def test_nothing_happens_to_who_is_no_more():
    gone = given(registered, AccountErased())
    gone.when(account.suspend, **WHY).then_refused(NotFound)
    gone.when(account.change_quota, to=1, **WHY).then_refused(NotFound)
    gone.when(account.note_usage, used=1_000, quota=1_000).then_nothing()
    given().when(account.note_usage, used=1_000, quota=1_000).then_nothing()


def note(*history, used):
    return given(registered, *history).when(account.note_usage, used=used, quota=1_000)


def reached(*percents):
    return [QuotaThresholdReached(percent=it) for it in percents]


def test_each_threshold_is_told_once_on_the_way_up():
    note(used=799).then_nothing()
    note(used=800).then(*reached(80))
    note(*reached(80), used=949).then_nothing()
    note(*reached(80), used=950).then(*reached(95))
    note(used=1_000).then(*reached(80, 95, 100))
    note(*reached(80, 95, 100), used=1_000).then_nothing()


def test_and_again_only_after_it_was_left_well_behind():
    full = reached(80, 95, 100)
    note(*full, used=950).then_nothing()
    note(*full, used=900).then(QuotaThresholdLeft(percent=95))
    note(*full, used=0).then(QuotaThresholdLeft(percent=0))
    note(*full, QuotaThresholdLeft(percent=95), used=1_000).then(*reached(100))
    note(*reached(80), used=701).then_nothing()


def test_without_room_the_first_byte_fills_it():
    assert crossed(0, used=0, quota=0) == []
    assert crossed(0, used=1, quota=0) == reached(*THRESHOLDS)


@any_of(st.lists(st.integers(0, 1_200), max_size=20))
def test_what_was_noted_is_settled(story):
    """Whatever the usage does, a second look at the same figure finds nothing more to tell."""
    state = account.evolve(None, registered)
    for used in story:
        for event in account.note_usage(state, used=used, quota=1_000):
            state = account.evolve(state, event)
        assert account.note_usage(state, used=used, quota=1_000) == []
        assert all(it <= state.reached for it in THRESHOLDS if used >= it * 10)
