"""What a file is, by its first bytes: the gate before any decoder sees it."""

import re
from itertools import islice
from mmap import mmap

from domain.media import Caps, Format
from domain.refusals import CorruptImage, TooManyFrames, TooManyPixels, UnsupportedFormat

File = bytes | mmap
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


def scans_of(jpeg: File) -> int:
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


def check_scans(jpeg: File, caps: Caps) -> None:
    """A legal JPEG of 191 kB with 5,000 scans costs 10 s to decode."""
    looks = islice(re.finditer(b"\xff\xda", jpeg), caps.scans + 1)
    if sum(1 for _ in looks) > caps.scans and (scans := scans_of(jpeg)) > caps.scans:
        raise TooManyFrames(scans=scans, limitScans=caps.scans)


def check_whole(file: File, format: Format) -> None:
    """Refuse a file that ends too early, where its decoder would make do with what there is."""
    if format is Format.PNG:
        _check_chunks(file)
    if format is Format.GIF:
        _check_blocks(file)
    if format in (Format.HEIC, Format.AVIF):
        _check_boxes(file)


def _check_chunks(png: File) -> None:
    """To the end chunk: an animation decodes without its last frames, and nobody would know."""
    at = 8
    while png[at + 4 : at + 8] != b"IEND":
        if at + 12 > len(png):
            raise CorruptImage(reason="the file ends too early")
        at += 12 + int.from_bytes(png[at : at + 4], "big")


def _check_blocks(gif: File) -> None:
    """To the trailer, or to the end of a block: many an encoder forgets the trailer."""
    at = 13 + _table(gif[10:11])
    while at < len(gif):
        if gif[at] == 0x21:
            at = _behind_sub_blocks(gif, at + 2)
        elif gif[at] == 0x2C:
            at = _behind_sub_blocks(gif, at + 11 + _table(gif[at + 9 : at + 10]))
        else:  # the trailer, or what decoders take for one
            return
    if at > len(gif):
        raise CorruptImage(reason="the file ends inside a frame")


def _table(flags: bytes) -> int:
    """Bytes of the colour table that the flags announce."""
    return 3 * 2 << (flags[0] & 7) if flags and flags[0] & 0x80 else 0


def _behind_sub_blocks(gif: File, at: int) -> int:
    while at < len(gif) and gif[at]:
        at += 1 + gif[at]
    return at + 1


def _check_boxes(file: File) -> None:
    """No box that holds the picture reaches beyond the end (ISO 14496-12, 4.2)."""
    at = 0
    while at + 8 <= len(file):
        size, kind = int.from_bytes(file[at : at + 4], "big"), file[at + 4 : at + 8]
        if size == 1:
            size = int.from_bytes(file[at + 8 : at + 16], "big")
        if size == 0 or kind not in _BOXES:
            return
        if size < 8 or at + size > len(file):
            raise CorruptImage(reason="the file ends too early")
        at += size


_BOXES = {b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip", b"uuid"}
