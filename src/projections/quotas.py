"""How full everything is: an overview for who runs the installation."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from domain.ids import AccountId


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """An account, or an organization."""

    id: AccountId
    organization: bool
    name: str
    plan: str
    used: int
    """Bytes, with what is reserved for uploads under way."""
    derivatives: int
    """Of those, what is stored of images beside their originals."""
    quota: int


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    holders: int
    used: int
    derivatives: int
    quota: int
    """Bytes promised to all of them together."""
    reached: dict[int, int]
    """How many have used so many per cent of their quota, or more."""
    fullest: Sequence[Holder]


class Quotas(Protocol):
    async def overview(self, *, limit: int) -> Overview: ...
