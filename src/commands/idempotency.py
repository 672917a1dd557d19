"""Requests that may come twice: what is remembered of the first time."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from domain.ids import AccountId


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Within what a key is the same key."""

    account_id: AccountId | None
    client: str
    """Where an anonymous request came from, or by what was lent it came; else empty."""
    method: str
    path: str
    key: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a request under its key, or the memory of the one that was answered."""

    id: bytes
    holder: UUID
    seed: UUID
    """What the ids of all that the request creates are made of; every run has the same."""
    begun_at: datetime
    first: bool
    """No run was there before."""
    fingerprint: bytes | None = None
    answer: Answer | None = None


class Records(Protocol):
    """A run holds its record for a short time and renews it; when it dies, the next takes over.

    `body` is a digest of the request's body. Everything is kept for 24 hours, sealed.
    """

    async def begin(self, scope: Scope, body: bytes | None) -> Turn:
        """Begin, take over, or learn the answer. `body` is None where it is still to be read.

        Durable when it returns. Raises IdempotencyInProgress while another run holds the record.
        """
        ...

    async def bind(self, turn: Turn, body: bytes) -> None:
        """Raises IdempotencyKeyReused if the key was first used with another body."""
        ...

    async def renew(self, turn: Turn) -> None: ...

    async def answered(self, turn: Turn, answer: Answer) -> None:
        """Keep the answer, unless another run took over."""
        ...

    async def release(self, turn: Turn) -> None:
        """The run ended without an answer to keep; the next one may begin at once."""
        ...

    async def forget(self, turn: Turn) -> None:
        """Nothing happened: the key is as good as new."""
        ...

    async def expire(self) -> int:
        """Remove what is older than it may be. Returns how many that were."""
        ...
