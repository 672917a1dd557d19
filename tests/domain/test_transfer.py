"""A month, in UTC, and what is counted in it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.transfer import begin_of, counter, left_of
from tests.spec import OWNER, STRANGER


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_it_lasts_until_the_next_begins(now):
    after = now + timedelta(seconds=left_of(now))

    assert begin_of(now) <= now < begin_of(after)
    assert begin_of(after) - begin_of(now) <= timedelta(days=31)
    assert after - begin_of(after) <= timedelta(seconds=1)
    assert counter(OWNER, now) == counter(OWNER, begin_of(now)) != counter(OWNER, after)


def test_each_owner_has_another_counter():
    now = datetime(2026, 11, 29, tzinfo=UTC)
    assert len({counter(OWNER, now), counter(STRANGER, now), OWNER, STRANGER}) == 4
