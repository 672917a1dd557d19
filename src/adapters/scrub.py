"""The whereabouts out of an original, in place: same length, same pixels, no coordinates."""

import re
import struct
import zlib

# Patterns begin with a literal, so that megabytes without it are passed by at once.
_TIFF = (re.compile(rb"II\x2a\x00"), re.compile(rb"MM\x00\x2a"))
_XMP_ATTRIBUTE = re.compile(rb"""(exif:GPS\w+\s*=\s*)("[^"]*"|'[^']*')""")
_XMP_ELEMENT = re.compile(rb"(<exif:GPS(\w+)[^>]*>)(.*?)(?=</exif:GPS\2>)", re.DOTALL)
_GPS_POINTER = 0x8825
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_PNG = b"\x89PNG\r\n\x1a\n"


def scrubbed(file: bytes) -> bytes | None:
    """The file without its GPS position; None if it tells none.

    EXIF is found by its TIFF header wherever a container keeps it (JPEG APP1, PNG eXIf, WebP EXIF,
    HEIF items, embedded previews), so that no container has to be understood.
    """
    data = bytearray(_without_packed_text(file))
    for header in _TIFF:
        for found in header.finditer(file):
            _clear_gps(data, found.start())
    for pattern in (_XMP_ATTRIBUTE, _XMP_ELEMENT):
        for match in pattern.finditer(bytes(data)):
            _blank(data, match)
    clean = bytes(data)
    if clean == file:
        return None
    return _with_checksums(clean) if clean.startswith(_PNG) else clean


def _blank(data: bytearray, match: "re.Match[bytes]") -> None:
    start, stop = match.span(match.re.groups)
    if match.re is _XMP_ATTRIBUTE:
        start, stop = start + 1, stop - 1
    data[start:stop] = b" " * (stop - start)


def _clear_gps(data: bytearray, base: int) -> None:
    """Empty the GPS directory of the TIFF structure at `base`, and what it points to."""
    order = "<" if data[base : base + 2] == b"II" else ">"
    try:
        (first,) = struct.unpack_from(order + "I", data, base + 4)
        for at, tag, _, _, value in _entries(data, base, first, order):
            if tag == _GPS_POINTER:
                _clear_directory(data, base, value, order)
                data[at : at + 12] = bytes(12)
    except (struct.error, ValueError):
        return


def _clear_directory(data: bytearray, base: int, offset: int, order: str) -> None:
    for at, _, kind, count, value in list(_entries(data, base, offset, order)):
        size = _SIZES[kind] * count
        if size > 4 and base + value + size <= len(data):
            data[base + value : base + value + size] = bytes(size)
        data[at : at + 12] = bytes(12)
    data[base + offset : base + offset + 2] = bytes(2)


def _entries(
    data: bytearray, base: int, offset: int, order: str
) -> list[tuple[int, int, int, int, int]]:
    """Place, tag, type, count and value of a directory. Raises ValueError if it is none."""
    (number,) = struct.unpack_from(order + "H", data, base + offset)
    if number > 512:
        raise ValueError("no directory")
    found = []
    for index in range(number):
        at = base + offset + 2 + 12 * index
        tag, kind, count, value = struct.unpack_from(order + "HHII", data, at)
        if kind in _SIZES:
            found.append((at, tag, kind, count, value))
    return found


def _without_packed_text(file: bytes) -> bytes:
    """A PNG without its compressed or hexadecimal metadata, which cannot be cleared in place."""
    if not file.startswith(_PNG):
        return file
    kept = [_PNG]
    for kind, chunk in _chunks(file):
        packed = kind in (b"zTXt", b"iTXt", b"tEXt") and (
            b"Raw profile type" in chunk[:64] or (b"XML:com.adobe.xmp\0\1" in chunk[:64])
        )
        if not packed:
            kept.append(chunk)
    return b"".join(kept)


def _with_checksums(png: bytes) -> bytes:
    kept = [_PNG]
    for kind, chunk in _chunks(png):
        crc = zlib.crc32(chunk[4:-4]) if kind in (b"eXIf", b"iTXt", b"tEXt") else None
        kept.append(chunk if crc is None else chunk[:-4] + struct.pack(">I", crc))
    return b"".join(kept)


def _chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """Type and whole chunk, one after the other; the last takes whatever is left."""
    found, at = [], len(_PNG)
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big") + 12
        found.append((png[at + 4 : at + 8], png[at : at + length]))
        at += length
    return found
