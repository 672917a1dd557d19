"""What may be sent to us and fetched from us in a month: held to the plan of the owner."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from commands.ports import Bring, Guard
from domain.ids import AccountId
from domain.refusals import TransferExceeded


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """Of one owner, one way, for this month."""

    limit: int | None
    """Bytes; None where the plan has no limit."""
    used: int
    counter: AccountId
    """What it is counted under, where an append counts it."""
    left: int
    """Seconds of the month."""
    plan: str | None = None
    """The name of the owner's plan; None where the owner is not known yet."""


class Allowances(Protocol):
    async def uploads(self, owner_id: AccountId) -> Allowance:
        """Exact as of now."""
        ...

    async def downloads(self, owner_id: AccountId) -> Allowance:
        """As it was written down by now."""
        ...

    def spent(self, owner_id: AccountId) -> Allowance | None:
        """The downloads of whoever has used them up, as far as this process knows: within 6 s."""
        ...


def require(allowance: Allowance, size: int) -> None:
    """Raises TransferExceeded."""
    if allowance.limit is not None and allowance.used + size > allowance.limit:
        raise exceeded(allowance, size)


def exceeded(allowance: Allowance, size: int) -> TransferExceeded:
    return TransferExceeded(
        limitBytes=allowance.limit or 0,
        usedBytes=allowance.used,
        requestedBytes=size,
        retryAfter=allowance.left,
    )


def brought(allowance: Allowance) -> Callable[[Any, Any], Sequence[Guard]]:
    """The guard that counts an image's bytes in the append that says that they are here."""

    def guards(before: Any, after: Any) -> Sequence[Guard]:
        if before is None or before.finalized or not after.finalized:
            return ()
        limit = allowance.limit
        return (Bring(counter=allowance.counter, limit=limit, bytes=after.size),)

    return guards
