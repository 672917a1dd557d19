"""Objects that arrive in parts: what the object store can do beyond whole ones."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec

from commands.ports import ObjectKey, ObjectStore, SignedRequest
from domain.progress import Piece

MIN_PART = 5 * 1024 * 1024
"""S3 takes no smaller part, but for the last one."""
PART = 8 * 1024 * 1024


class Unfinished(msgspec.Struct, frozen=True, kw_only=True):
    """A multipart upload that was neither completed nor aborted. `modified`: when it began."""

    key: ObjectKey
    multipart_id: str
    modified: datetime


class MultipartStore(ObjectStore, Protocol):
    """A part is named by a number from 1 to 10,000; sent again, the later one counts."""

    async def begin(self, key: ObjectKey, *, content_type: str) -> str:
        """The id of a new multipart upload; several may be under way for one key."""
        ...

    async def presign_part(
        self, key: ObjectKey, multipart_id: str, number: int, *, size: int, expires_in: int
    ) -> SignedRequest:
        """A PUT of exactly `size` bytes, as often as need be."""
        ...

    async def put_part(self, key: ObjectKey, multipart_id: str, number: int, body: Path) -> Piece:
        """Raises ObjectMissing if the multipart upload is over."""
        ...

    async def parts(self, key: ObjectKey, multipart_id: str) -> Sequence[Piece]:
        """What has arrived, in order. Raises ObjectMissing if the multipart upload is over."""
        ...

    async def complete(self, key: ObjectKey, multipart_id: str, parts: Sequence[Piece]) -> None:
        """Make the object of these parts; others are dropped. Again, once done, is no error.

        Raises ObjectMissing if a part is not there, or the upload was aborted.
        """
        ...

    async def abort(self, key: ObjectKey, multipart_id: str) -> None:
        """Drop the parts; an unknown id is no error.

        Never for a key whose object is there: a SeaweedFS killed while it completed an upload may
        know it as unfinished still, and would drop the object's own bytes (its issue 11382).
        """
        ...

    def unfinished(self, prefix: str) -> AsyncIterator[Unfinished]:
        """Every multipart upload under way whose key begins with `prefix`."""
        ...

    async def erase(self, prefix: str) -> int:
        """Remove every object, every version of it, and every upload under way. How many."""
        ...
