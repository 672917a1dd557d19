"""Taking in what lies somewhere else on the web."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Protocol

import msgspec

from commands.finalizing import TakeIn, Uploaded, outcome
from commands.ports import EventStore, Receipt
from domain import image, uploads
from domain.access import Visibility
from domain.account import Duplicates
from domain.ids import AccountId, AlbumId, ImageId
from domain.image_events import Details, Promised
from domain.stream import fold


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    content_type: str
    """As the server names it, if it names one."""


class Fetcher(Protocol):
    async def fetch(self, url: str, target: Path, *, max_bytes: int) -> Fetched:
        """Write what the URL leads to into a file.

        Connects to public addresses only, whatever the name, a redirect or the name's next
        resolution say. Raises UrlForbidden, ImportFailed or FileTooLarge; the file is then
        whatever came so far.
        """
        ...


class ImportImage(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    image_id: ImageId
    url: str
    filename: str
    visibility: Visibility
    details: Details = Details()
    duplicates: Duplicates = Duplicates.KEEP
    album_id: AlbumId | None = None


async def import_image(
    command: ImportImage,
    *,
    store: EventStore,
    fetcher: Fetcher,
    spool: Path,
    max_bytes: int,
    take_in: Callable[[TakeIn], Awaitable[Uploaded]],
) -> Uploaded:
    """Fetch, then take in. What an earlier try of the request took in is not fetched again."""
    history = await store.load(command.image_id)
    state = fold(image.evolve, history)
    if state and not uploads.accepts_bytes(state, by=command.by):
        return outcome(command.image_id, state, Receipt(version=len(history)))
    with NamedTemporaryFile(dir=spool) as file:
        path = Path(file.name)
        fetched = await fetcher.fetch(command.url, path, max_bytes=max_bytes)
        return await take_in(
            TakeIn(
                by=command.by,
                path=path,
                promised=Promised(filename=command.filename),
                content_type=fetched.content_type,
                visibility=command.visibility,
                details=command.details,
                duplicates=command.duplicates,
                album_id=command.album_id,
                image_id=command.image_id,
            )
        )
