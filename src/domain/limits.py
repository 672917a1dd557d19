"""How often one may ask. GCRA on a clock that ticks: the figures are here, the counting in one
statement of the database (`adapters/limits.sql`), so that any number of processes count as one.
"""

from collections.abc import Mapping

import msgspec

TICKS = 4
"""Steps of a period. The clock of one who asks begins with their first request after a rest and
moves once a step, so that nothing comes back in the middle of a burst: 100 a minute are 100."""
MICRO = 1_000_000


class Policy(msgspec.Struct, frozen=True):
    """`most` within `seconds`, all of them at once if need be."""

    name: str
    most: int
    seconds: int = 60

    @property
    def every(self) -> int:
        """Microseconds in which one comes back."""
        return max(self.seconds * MICRO // self.most, 1)

    @property
    def step(self) -> int:
        return self.every if self.most < TICKS else self.most * self.every // TICKS


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """Where one stands, as of `at`; all in microseconds."""

    policy: Policy
    granted: bool
    since: int
    """When their clock began."""
    at: int
    used_until: int
    """What was used is back by then (the theoretical arrival time of GCRA)."""

    @property
    def remaining(self) -> int:
        policy = self.policy
        if self.used_until <= self.at:
            return policy.most
        ticked = self.since + max(self.at - self.since, 0) // policy.step * policy.step
        return max((ticked + policy.most * policy.every - self.used_until) // policy.every, 0)

    @property
    def full_in(self) -> int:
        """Seconds until everything has come back."""
        return _seconds(self.used_until - self.at)

    @property
    def next_at(self) -> int:
        """When one more will be granted."""
        policy = self.policy
        needed = self.used_until + policy.every - policy.most * policy.every
        tick = self.since + -(-max(needed - self.since, 0) // policy.step) * policy.step
        return min(max(tick, self.at), max(self.used_until, self.at))

    @property
    def retry_after(self) -> int:
        return max(_seconds(self.next_at - self.at), 1)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Which policy counts whom."""

    by_plan: Mapping[str, Policy]
    anonymous: Policy
    signing_in: Policy
    """Whatever takes credentials, whoever asks."""

    def of(self, plan: str) -> Policy:
        """A plan that was dropped is worth as much as none."""
        return self.by_plan.get(plan, self.anonymous)


def _seconds(micros: int) -> int:
    return -(-max(micros, 0) // MICRO)
