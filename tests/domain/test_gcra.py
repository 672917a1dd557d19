"""What is told of a count: how many are left, and when to come again."""

from domain.limits import MICRO, Count, Limits, Policy

MINUTE = Policy("requests", 100)
BEGAN = 1_000 * MICRO


def count(used, *, after=0.0, granted=True, policy=MINUTE):
    """`used` of them in the first moment, looked at a while later."""
    return Count(
        policy=policy,
        granted=granted,
        since=BEGAN,
        at=BEGAN + int(after * MICRO),
        used_until=BEGAN + used * policy.every,
    )


def test_what_was_used_comes_back_a_quarter_of_the_period_at_a_time():
    moments = (0, 14.9, 15, 29.9, 30, 60, 90)
    assert [count(100, after=s).remaining for s in moments] == [0, 0, 25, 25, 50, 100, 100]


def test_one_who_rested_has_everything():
    assert (count(1).remaining, count(1, after=0.7).remaining) == (99, 100)
    assert (count(1).full_in, count(1, after=1).full_in) == (1, 0)


def test_come_again_when_the_next_is_granted_and_not_earlier():
    for after, wait in ((0, 15), (0.5, 15), (14, 1), (14.999, 1)):
        refused = count(100, after=after, granted=False)
        assert refused.retry_after == wait
        assert count(100, after=after + wait).remaining > 0


def test_a_policy_of_few_waits_for_a_whole_one():
    hourly = Policy("hourly", 2, 3_600)

    refused = count(2, granted=False, policy=hourly)

    assert refused.retry_after == 1_800
    assert count(2, after=1_799, policy=hourly).remaining == 0
    assert count(2, after=1_800, policy=hourly).remaining == 1


def test_a_plan_without_a_policy_is_nobodys():
    limits = Limits(
        by_plan={"free": MINUTE}, anonymous=Policy("anonymous", 5), signing_in=Policy("s", 1)
    )

    assert limits.of("free") is MINUTE
    assert limits.of("other") == Policy("anonymous", 5)
