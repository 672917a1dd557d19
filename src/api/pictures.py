"""An image as clients see it."""

from datetime import datetime
from zlib import crc32

import msgspec
from msgspec import UNSET, UnsetType

from api import heads
from domain.ids import to_text
from domain.media import Format, Rung
from projections.gallery import Card, Exhibit

EXTENSIONS = {
    "jpg": Format.JPEG,
    "jpeg": Format.JPEG,
    "png": Format.PNG,
    "webp": Format.WEBP,
    "avif": Format.AVIF,
    "gif": Format.GIF,
}
"""What an image can be rendered as."""


class Closing(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Why nobody gets its bytes."""

    reason: str
    """`quarantined` or `taken down`."""
    explanation: str | None
    since: datetime


class Picture(msgspec.Struct, kw_only=True, rename="camel"):
    """The JSON of one image."""

    image_id: str
    owner_id: str
    uploader_id: str
    title: str
    description: str
    tags: list[str]
    custom: dict[str, str]
    filename: str
    size: int
    format: str
    content_type: str
    width: int
    height: int
    checksum: str
    visibility: str
    status: str
    placeholder: str | None
    album_ids: list[str]
    url: str
    thumbnail_url: str
    variants: dict[str, str]
    views: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    duplicate_of: str | UnsetType | None = UNSET
    """Where bytes were just accepted: the oldest live image of the owner that has them too."""
    closed: Closing | UnsetType = UNSET
    """To its owner, who alone sees what is closed, where one image is asked for."""


def picture(exhibit: Exhibit, public_url: str, link: str = "") -> Picture:
    """With URLs that open by the share link whose query is given, if one is."""
    card = exhibit.card
    assert card.format is not None, "only finalized images are shown"
    id = to_text("img", card.id)
    url = f"{public_url}/images/{id}"
    print = exhibit.print
    version = f"v={heads.version(card.checksum, print.recipe)}" if print else ""
    renderings = {rung: _queried(f"{url}/{rung}.webp", version, link) for rung in Rung}
    return Picture(
        image_id=id,
        owner_id=to_text("org" if card.entrusted else "u", card.owner_id),
        uploader_id=to_text("u", card.uploader_id),
        title=card.title,
        description=card.description,
        tags=card.tags,
        custom=card.custom,
        filename=card.filename,
        size=card.size,
        format=card.format.value,
        content_type=card.format.content_type,
        width=card.width,
        height=card.height,
        checksum=f"sha256:{card.checksum}",
        visibility=card.visibility.value,
        status=status(exhibit),
        placeholder=exhibit.print.placeholder if exhibit.print else None,
        album_ids=[to_text("alb", it) for it in exhibit.album_ids],
        url=_queried(url, link),
        thumbnail_url=renderings[Rung.THUMB],
        variants={rung.value: it for rung, it in renderings.items()},
        views=exhibit.views,
        created_at=card.created_at,
        updated_at=card.updated_at,
        deleted_at=card.deleted_at,
    )


def _queried(url: str, *queries: str) -> str:
    query = "&".join(filter(None, queries))
    return f"{url}?{query}" if query else url


def sizes(card: Card) -> dict[Rung, tuple[int, int]]:
    """Width and height of each rendering."""
    return {rung: rung.fit(card.width, card.height) for rung in Rung}


def status(exhibit: Exhibit) -> str:
    card = exhibit.card
    if card.deleted_at:
        return "deleted"
    if card.quarantined:
        return "quarantined"
    if card.taken_down:
        return "taken_down"
    return "ready" if card.cleared and exhibit.print else "processing"


def etag(exhibit: Exhibit) -> str:
    """Of the JSON: the version, whether it has been developed since, the albums it is seen in.

    Not its views, which would change it with every look: they may be told as they were.
    """
    developed = "" if exhibit.print else "-p"
    albums = b"".join(it.bytes for it in exhibit.album_ids)
    return f'"{exhibit.card.version}{developed}{f"-{crc32(albums):x}" if albums else ""}"'
