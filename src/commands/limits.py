"""The one place that is asked whether somebody may ask."""

from typing import Protocol

import msgspec

from domain.limits import Count, Limits, Policy
from domain.refusals import RateLimited


class Limiter(Protocol):
    """Exact over all processes that share it. Raises Unavailable where nothing can be counted."""

    async def take(self, policy: Policy, key: str) -> Count:
        """One of what the policy grants to `key`, if there is one left."""
        ...

    async def give_back(self, policy: Policy, key: str) -> None:
        """One that was taken, and turned out not to count."""
        ...


class Tolls(msgspec.Struct, frozen=True, kw_only=True):
    """What is counted, and who counts it."""

    limits: Limits
    limiter: Limiter


def refusal(count: Count) -> RateLimited:
    policy = count.policy
    return RateLimited(
        policy=policy.name,
        limit=policy.most,
        windowSeconds=policy.seconds,
        retryAfter=count.retry_after,
    )
