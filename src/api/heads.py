"""What stands above the pixels: for caches, for browsers, for whoever saves the file."""

import unicodedata
from urllib.parse import quote

import msgspec

from api import ranges
from domain.access import Visibility
from projections.gallery import Card

CACHING = {
    Visibility.PUBLIC: "public, max-age=300, s-maxage=3600, stale-while-revalidate=60",
    Visibility.UNLISTED: "public, max-age=60, s-maxage=120",
    Visibility.PRIVATE: "private, no-cache",
}
_IMMUTABLE = "public, max-age=31536000, s-maxage=3600, stale-while-revalidate=60, immutable"
"""For who has it. Shared caches ask again as ever: what is taken down must go from them, too."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What of a request matters to the head of its answer."""

    id: str
    """The image's, as the client wrote it."""
    signed: bool = False
    download: bool = False
    version: str = ""
    """The one that the URL names."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be known of the bytes below it."""

    etag: str
    content_type: str
    version: str = ""
    """Names these bytes, whoever asks; empty if others may get other ones."""
    private: bool = False
    """Not what everybody gets: no shared cache may keep it."""
    vary: str = ""


def version(checksum: str, recipe: str) -> str:
    """Of all renderings of one original: `v` in a URL."""
    return f"{checksum[:12]}-{recipe}"


def head(asked: Asked, card: Card, sent: Sent) -> dict[str, str]:
    headers = {
        "ETag": sent.etag,
        "Last-Modified": ranges.http_date(card.created_at),
        "Accept-Ranges": "bytes",
        "Cache-Control": _caching(asked, card, sent),
        "Content-Disposition": _disposition(asked.download, card.filename, sent.content_type),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Access-Control-Allow-Origin": "*",
        "Surrogate-Key": asked.id,
    }
    if sent.vary:
        headers["Vary"] = sent.vary
    if card.visibility is not Visibility.PUBLIC:
        headers["X-Robots-Tag"] = "noindex"
    return headers


def _caching(asked: Asked, card: Card, sent: Sent) -> str:
    if sent.private or asked.signed or not card.cleared:
        return CACHING[Visibility.PRIVATE]
    named = sent.version and asked.version == sent.version
    if named and card.visibility is Visibility.PUBLIC:
        return _IMMUTABLE
    return CACHING[card.visibility]


def _disposition(download: bool, filename: str, content_type: str) -> str:
    """RFC 6266: an ASCII name for all, the real one for those who can read it."""
    way = "attachment" if download else "inline"
    extension = content_type.rpartition("/")[2].replace("jpeg", "jpg")
    stem = (filename.rpartition(".")[0] or filename).strip(" .") or "image"
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    safe = "".join(c if c.isalnum() or c in " ._-()" else "_" for c in plain).strip(" .") or "image"
    name = quote(f"{stem}.{extension}", safe="")
    return f"{way}; filename=\"{safe}.{extension}\"; filename*=UTF-8''{name}"
