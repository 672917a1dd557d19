"""Plans are data, and settings change single figures of them."""

import msgspec
import pytest

from domain.plan import FREE, PREMIUM, merged
from settings import load

REQUIRED = {
    f"DARKROOM_{name}": "x"
    for name in (
        *("DATABASE_URL", "NATS_URL", "OBJECTS_URL", "OBJECTS_ACCESS_KEY"),
        *("OBJECTS_SECRET_KEY", "INSTANCE_KEY"),
    )
}


def test_figures_that_are_not_named_stay():
    plans = merged({"free": FREE, "premium": PREMIUM}, '{"premium": {"storageBytes": 1}}')

    assert plans["free"] == FREE
    assert plans["premium"] == msgspec.structs.replace(PREMIUM, storage_bytes=1)


def test_a_plan_of_ones_own_begins_as_the_free_one():
    plans = merged({"free": FREE}, '{"team": {"retentionDays": 7}}')

    assert plans["team"] == msgspec.structs.replace(FREE, retention_days=7)


@pytest.mark.parametrize(
    "wrong",
    ["x", "[]", '{"free": 1}', '{"free": {"speed": 1}}', '{"free": {"requestsPerMinute": 0}}'],
)
def test_what_is_no_plan_is_an_error_at_start_up(wrong):
    with pytest.raises(msgspec.DecodeError):
        load(REQUIRED | {"DARKROOM_PLANS": wrong})


def test_older_settings_are_figures_of_plans_and_plans_count_more():
    older = REQUIRED | {
        "DARKROOM_QUOTA_BYTES": "5",
        "DARKROOM_RETENTION_DAYS": "6",
        "DARKROOM_RETENTION_PLANS": "pro=7",
    }

    plans = load(older).known_plans
    assert (plans["free"].storage_bytes, plans["free"].retention_days) == (5, 6)
    assert (plans["pro"].storage_bytes, plans["pro"].retention_days) == (FREE.storage_bytes, 7)
    assert plans["premium"] == PREMIUM
    newer = older | {"DARKROOM_PLANS": '{"free": {"storageBytes": 8}}', "DARKROOM_PLAN": "free"}
    assert load(newer).known_plans["free"].storage_bytes == 8
    own = load(older | {"DARKROOM_PLAN": "own"})
    assert own.known_plans["own"].storage_bytes == 5
    assert own.limits.of("own").most == FREE.requests_per_minute
