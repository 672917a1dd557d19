"""What may come in and leave in a calendar month (UTC), by the plan of the owner."""

from datetime import datetime, timedelta
from uuid import UUID, uuid5

from domain.ids import AccountId

BOUNDLESS = 2**62
"""Bytes that nobody reaches: the limit of a plan without one."""
_NAMESPACE = UUID("0d6b7a0e-3f57-5a55-9d2f-2f4c8f0c6a11")


def begin_of(now: datetime) -> datetime:
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def left_of(now: datetime) -> int:
    """Seconds until the next month, rounded up."""
    following = begin_of(begin_of(now) + timedelta(days=32))
    return int((following - now).total_seconds()) + 1


def counter(owner_id: AccountId, now: datetime) -> AccountId:
    """What an owner's uploads of the month are counted under, beside the owner's room."""
    return AccountId(uuid5(_NAMESPACE, f"{owner_id.hex} uploads {now:%Y-%m}"))
