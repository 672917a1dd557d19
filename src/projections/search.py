"""The search index: words of an image. It finds; who may see is never its business."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from domain import image_events
from domain.access import Viewer, Visibility
from domain.ids import AccountId, ImageId
from domain.media import Format
from domain.stream import Recorded
from projections import gallery
from projections.gallery import Exhibit

NAME = "search"
STREAMS = frozenset({"image"})


class Bar(StrEnum):
    """Why not everybody may find something."""

    UPLOAD = "upload"
    SCAN = "scan"
    VISIBILITY = "visibility"
    TAKEDOWN = "takedown"
    DELETION = "deletion"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What can be found of an image. Its fields are the columns of search.texts."""

    id: ImageId
    owner_id: AccountId
    filename: str
    title: str = ""
    description: str = ""
    tags: list[str] = []
    format: Format | None = None
    created_at: datetime
    arrival: int
    """The position of its first event."""
    barred: list[Bar]
    """Nothing, of what everybody may list: this narrows a search, and decides nothing."""


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    exhibit: Exhibit
    highlights: dict[str, str]
    """Per field, the matching text with the words in <mark>; everything else is HTML-escaped."""


class Hits(msgspec.Struct, frozen=True, kw_only=True):
    hits: Sequence[Hit]
    total: int
    exact: bool = True
    """Whether these are all; else there are more, which nobody has counted."""
    facets: dict[str, dict[str, int]]
    """Counts by `tags`, `format` and `year`."""
    engine: str = "postgres"
    """Who found it."""
    fallback: bool = False
    """In place of another, which is down."""

    @property
    def in_place_of_another(self) -> "Hits":
        return replace(self, fallback=True)


class Search(Protocol):
    """The read port: what matches and the viewer may list, best first."""

    async def find(self, text: str, *, viewer: Viewer, limit: int, page: int) -> Hits: ...


def project(entry: Entry | None, recorded: Recorded[Any]) -> Entry | None:
    match recorded.event:
        case image_events.UploadInitiated() as event:
            return Entry(
                id=ImageId(recorded.stream_id),
                owner_id=event.owner_id,
                filename=event.personal.filename if event.personal else "",
                created_at=recorded.at,
                arrival=recorded.position or 0,
                barred=[Bar.SCAN, Bar.UPLOAD, Bar.VISIBILITY],
            )
        case event if isinstance(event, image_events.Over):
            return None
        case image_events.UploadTransferred(to=to) if entry:
            return replace(entry, owner_id=to)
        case image_events.DetailsChanged(personal=details) if entry and details:
            words = gallery.written(details)
            return replace(entry, **{k: v for k, v in words.items() if k != "custom"})
        case image_events.ImageFinalized(format=format) if entry:
            entry = replace(entry, format=format, created_at=recorded.at)
    return _shown(entry, recorded.event) if entry else None


def _shown(entry: Entry, event: Any) -> Entry:
    """With what the event bars or clears."""
    barred = set(entry.barred)
    for bar, holds in _barring(event).items():
        (barred.add if holds else barred.discard)(bar)
    return replace(entry, barred=sorted(barred))


def _barring(event: Any) -> Mapping[Bar, bool]:
    match event:
        case image_events.ImageFinalized(visibility=visibility):
            return {Bar.UPLOAD: False, Bar.VISIBILITY: visibility is not Visibility.PUBLIC}
        case image_events.VisibilityChanged(visibility=visibility):
            return {Bar.VISIBILITY: visibility is not Visibility.PUBLIC}
        case image_events.ImageCleared() | image_events.ImageQuarantined():
            return {Bar.SCAN: isinstance(event, image_events.ImageQuarantined)}
        case image_events.TakenDown() | image_events.Reinstated():
            return {Bar.TAKEDOWN: isinstance(event, image_events.TakenDown)}
        case image_events.SoftDeleted() | image_events.Restored():
            return {Bar.DELETION: isinstance(event, image_events.SoftDeleted)}
    return {}
