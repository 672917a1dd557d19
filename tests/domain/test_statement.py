"""Statements: each hour's usage once, what is late on top, nothing once they are closed."""

from datetime import UTC, datetime

from domain.statement import (
    NONE,
    StatementClosed,
    StatementOpened,
    Usage,
    UsageCorrected,
    UsageMetered,
    close,
    evolve,
    meter,
    statement_id,
)
from domain.stream import fold
from tests.spec import OWNER, STRANGER, Given, recorded

HOUR = datetime(2026, 1, 31, 23, tzinfo=UTC)
NEXT = datetime(2026, 2, 1, 0, tzinfo=UTC)
opened = StatementOpened(owner_id=OWNER, organization=False, month="2026-01")
later = StatementOpened(owner_id=OWNER, organization=False, month="2026-02")
some = Usage(storage_byte_seconds=3_600, views=2)
more = Usage(storage_byte_seconds=3_600, views=5, egress_bytes=9)
metered = UsageMetered(hour=HOUR, usage=some)
asked = {"past": None, "opening": opened, "hour": HOUR, "usage": some}


def test_an_hour_is_metered():
    Given(evolve).when(meter, **asked).then(opened, metered)
    Given(evolve, opened).when(meter, **asked).then(metered)


def test_an_hour_is_metered_once():
    Given(evolve, opened, metered).when(meter, **asked).then_nothing()


def test_an_hour_without_usage_opens_nothing():
    Given(evolve).when(meter, **asked | {"usage": NONE}).then_nothing()


def test_what_is_late_comes_on_top():
    difference = UsageMetered(hour=HOUR, usage=Usage(views=3, egress_bytes=9))
    late = asked | {"usage": more}

    Given(evolve, opened, metered).when(meter, **late).then(difference)
    Given(evolve, opened, metered, difference).when(meter, **late).then_nothing()


def test_what_is_missing_in_a_closed_month_is_a_line_of_its_own():
    past = fold(evolve, recorded(opened, metered, StatementClosed()))
    late = {"past": past, "opening": later, "hour": HOUR, "usage": more}
    correction = UsageCorrected(hour=HOUR, usage=Usage(views=3, egress_bytes=9))

    Given(evolve).when(meter, **late).then(later, correction)
    Given(evolve, later, correction).when(meter, **late).then_nothing()
    Given(evolve, later).when(meter, **late | {"usage": some}).then_nothing()


def test_a_correction_is_no_usage_of_its_own_month():
    state = fold(evolve, recorded(later, UsageCorrected(hour=HOUR, usage=some)))

    assert state.hours == {}
    assert state.corrected == {HOUR: some}


def test_a_statement_is_closed_once():
    Given(evolve, opened, metered).when(close).then(StatementClosed())
    Given(evolve, opened, StatementClosed()).when(close).then_nothing()
    Given(evolve).when(close).then_nothing()


def test_there_is_one_for_each_owner_and_month():
    ids = {statement_id(owner, it) for owner in (OWNER, STRANGER) for it in ("2026-01", "2026-02")}

    assert len(ids) == 4
    assert statement_id(OWNER, "2026-01") in ids
