"""What is remembered of uploads that arrive in parts: progress is no fact, so no event holds it."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from commands import object_keys
from commands.ports import ObjectKey
from domain.ids import ImageId
from domain.progress import Progress


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    image_id: ImageId
    multipart_id: str | None
    """The object store's; None until there is a first part."""
    part_size: int | None = None
    """Where the client puts parts itself, by presigned URLs; None where it sends them to us."""
    progress: Progress = Progress()
    """Of bytes sent to us."""
    metadata: str = ""
    """The Upload-Metadata header, as it came."""
    held: bool = False


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """That there is an entry. The event came first, so it is old enough to be judged by the log."""

    image_id: ImageId
    modified: datetime = datetime.min.replace(tzinfo=UTC)

    @property
    def key(self) -> ObjectKey:
        return object_keys.incoming(self.image_id)


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """The right to write, until somebody takes a later `fence`."""

    fence: int
    entry: Entry


class Ledger(Protocol):
    """Writers take turns by a lease in the row and a fencing number: who is dead or stuck loses
    the lease in seconds, and whatever it still does finds its fence outdated and changes nothing.
    """

    async def open(self, entry: Entry) -> Entry:
        """The entry as it stands now: this one, or that of an earlier try."""
        ...

    async def find(self, image_id: ImageId) -> Entry | None: ...

    async def hold(self, image_id: ImageId) -> Hold | None:
        """None while somebody else holds it."""
        ...

    async def number(self, hold: Hold, multipart_id: str | None) -> int:
        """A number for the next piece, never given before. Raises UploadLocked if outdated."""
        ...

    async def renew(self, hold: Hold) -> None:
        """Raises UploadLocked if outdated."""
        ...

    async def record(self, hold: Hold, progress: Progress) -> None:
        """Durable when it returns. Raises UploadLocked if outdated."""
        ...

    async def release(self, hold: Hold) -> None: ...

    async def forget(self, image_id: ImageId) -> None: ...

    def noted(self) -> AsyncIterator[Noted]:
        """All there are."""
        ...


async def forget_all(gone: Sequence[Noted], *, ledger: Ledger) -> None:
    for it in gone:
        await ledger.forget(it.image_id)
