"""What a file is, by its first bytes: the gate before any decoder sees it."""

from domain.media import Caps, Format
from domain.refusals import CorruptImage, TooManyFrames, TooManyPixels, UnsupportedFormat

HEAD = 4_096
"""Bytes that `format_of` wants to see."""

_BRANDS = {
    b"avif": Format.AVIF,
    b"avis": Format.AVIF,
    b"heic": Format.HEIC,
    b"heix": Format.HEIC,
    b"heim": Format.HEIC,
    b"heis": Format.HEIC,
    b"hevc": Format.HEIC,
    b"hevx": Format.HEIC,
}


def format_of(head: bytes) -> Format:
    """The format that the magic bytes name, whatever the file's name says.

    Raises UnsupportedFormat: SVG, TIFF, BMP, PDF and all others never reach a decoder.
    """
    if head.startswith(b"\xff\xd8\xff"):
        return Format.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Format.PNG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return Format.GIF
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Format.WEBP
    if head[4:8] == b"ftyp" and (format := _by_brand(head)):
        return format
    raise UnsupportedFormat


def _by_brand(head: bytes) -> Format | None:
    """ISO 14496-12: the major brand, then the compatible ones; `mif1` alone says nothing."""
    box = head[: int.from_bytes(head[:4], "big")]
    brands = [box[8:12], *(box[at : at + 4] for at in range(16, len(box), 4))]
    known = (_BRANDS[brand] for brand in brands if brand in _BRANDS)
    generic = Format.HEIC if b"mif1" in brands or b"msf1" in brands else None
    return next(known, generic)


def scans_of(jpeg: bytes) -> int:
    """Start-of-scan markers, not counting what lies inside other segments."""
    count, at = 0, 2
    while (at := jpeg.find(b"\xff", at)) >= 0 and at + 3 < len(jpeg):
        marker = jpeg[at + 1]
        if marker == 0xDA:
            count += 1
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD9:
            at += 1 if marker == 0xFF else 2
        else:
            at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return count


def check_size(width: int, height: int, frames: int, caps: Caps) -> None:
    """Refuse what would be too much to decode, from what the header promises."""
    if width < 1 or height < 1 or frames < 1:
        raise CorruptImage(reason="the image has no size")
    if max(width, height) > caps.side or width * height > caps.pixels:
        raise TooManyPixels(
            width=width, height=height, limitPixels=caps.pixels, limitSide=caps.side
        )
    if frames > caps.frames:
        raise TooManyFrames(frames=frames, limitFrames=caps.frames)
    if width * height * frames > caps.frame_pixels and frames > 1:
        raise TooManyPixels(
            width=width, height=height, frames=frames, limitFramePixels=caps.frame_pixels
        )


def check_scans(jpeg: bytes, caps: Caps) -> None:
    """A legal JPEG of 191 kB with 5,000 scans costs 10 s to decode."""
    if jpeg.count(b"\xff\xda") > caps.scans and (scans := scans_of(jpeg)) > caps.scans:
        raise TooManyFrames(scans=scans, limitScans=caps.scans)
