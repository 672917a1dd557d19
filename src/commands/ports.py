"""What every command needs from outside: the log, the object store, ids and time.

The docstrings are the contracts that adapters are tested on. What only some commands need stands
beside them.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, NewType, Protocol
from uuid import UUID

import msgspec

from domain.ids import AccountId
from domain.stream import Event, Recorded

# The log


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Where a command left its stream. `position` is None when nothing happened."""

    version: int
    position: int | None = None


class StreamMoved(Exception):
    """Another writer appended to the stream first."""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Events for one stream, to stand right behind version `after`."""

    stream_id: UUID
    after: int
    events: Sequence[Event]


class Reserve(msgspec.Struct, frozen=True, kw_only=True):
    """Counts `bytes` against the account's quota, or gives them back if negative."""

    account_id: AccountId
    bytes: int


class SetQuota(msgspec.Struct, frozen=True, kw_only=True):
    """Opens the account's counter, or moves its limit."""

    account_id: AccountId
    quota_bytes: int


class Bring(msgspec.Struct, frozen=True, kw_only=True):
    """Counts `bytes` that came in in a month, up to its limit; None is no limit."""

    counter: AccountId
    limit: int | None
    bytes: int


Guard = Reserve | SetQuota | Bring


class EventStore(Protocol):
    async def load(self, stream_id: UUID) -> Sequence[Recorded[Any]]:
        """Every event of the stream, oldest first; empty if there is none."""
        ...

    async def append(
        self, batches: Sequence[Batch], *, by: AccountId, guards: Sequence[Guard] = ()
    ) -> int:
        """Record all batches and apply all guards in one transaction, or none of it.

        Returns the last position. Raises StreamMoved, or QuotaExceeded or TransferExceeded with
        `limitBytes`, `usedBytes` and `requestedBytes`. What it returned for survives a power cut.
        """
        ...

    def within(self, operation: UUID) -> "EventStore":
        """The same store; what it appends is marked as part of the operation."""
        ...


# Bytes

ObjectKey = NewType("ObjectKey", str)


class StoredObject(msgspec.Struct, frozen=True, kw_only=True):
    key: ObjectKey
    size: int
    modified: datetime


class SignedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request that the holder may make, once, exactly as given."""

    url: str
    method: str
    headers: dict[str, str]
    expires_in: int


class ObjectMissing(Exception):
    """No object has that key."""


class ObjectStore(Protocol):
    """Raises refusals.Unavailable when the store cannot be reached; it retries briefly itself."""

    async def presign_put(
        self, key: ObjectKey, *, size: int, content_type: str, sha256: str | None, expires_in: int
    ) -> SignedRequest:
        """A PUT of exactly `size` bytes of that type (and SHA-256, in hex), to an unused key."""
        ...

    async def put(self, key: ObjectKey, body: bytes | Path, *, content_type: str) -> None:
        """Store or replace."""
        ...

    async def copy(self, source: ObjectKey, target: ObjectKey) -> None:
        """Copy inside the store. Raises ObjectMissing."""
        ...

    async def head(self, key: ObjectKey) -> StoredObject:
        """Raises ObjectMissing."""
        ...

    async def read(self, key: ObjectKey, *, start: int = 0, stop: int | None = None) -> bytes:
        """Bytes [start, stop). Raises ObjectMissing."""
        ...

    def stream(
        self, key: ObjectKey, *, start: int = 0, stop: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Bytes [start, stop) in chunks. Raises ObjectMissing on entering."""
        ...

    async def delete(self, keys: Sequence[ObjectKey]) -> None:
        """Remove; a missing key is no error."""
        ...

    def list(self, prefix: str) -> AsyncIterator[StoredObject]:
        """Every object whose key begins with `prefix`."""
        ...

    async def settle(self) -> None:
        """The durability barrier: what was stored before the call survives a power cut after it."""
        ...


# Ids and time


class Hasher(Protocol):
    def claim_id(self, kind: str, name: str) -> UUID:
        """The stream of a claim: a hash of the name under the instance's key.

        A bare hash of an e-mail address is still personal data: it can be guessed.
        """
        ...


class Clock(Protocol):
    def __call__(self) -> datetime: ...


class NewId(Protocol):
    def __call__(self) -> UUID: ...
