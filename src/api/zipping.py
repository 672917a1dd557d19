"""ZIP archives of stored entries whose every byte has a known place, so that any range can be sent.

Sizes and checksums stand in front of each entry (APPNOTE 6.3.10, 4.3.7), so readers that do not
seek take it too. What is large has ZIP64 fields, and only that.
"""

import hashlib
import struct
from bisect import bisect_right
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from datetime import datetime
from itertools import accumulate

import msgspec

Chunks = AsyncGenerator[bytes, None]

MOST_32, MOST_16 = 0xFFFFFFFF, 0xFFFF
_PLAIN, _LARGE = 20, 45
"""Versions needed to read it: 2.0, and 4.5 for ZIP64."""
_UNIX = 3 << 8
_UTF8 = 1 << 11
_FILE_MODE = 0o100644 << 16
_FIRST, _LAST = 1980, 2107
"""Years that a file's time can have."""


class Changed(Exception):
    """What was to be sent is no longer what was promised; less than Content-Length tells so."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    size: int
    crc: int
    modified: datetime
    read: Callable[[int, int], Chunks]
    """Bytes from the first to before the second, or Changed."""

    @property
    def head(self) -> bytes:
        name = self.name.encode()
        large = self.size >= MOST_32
        extra = struct.pack("<HHQQ", 1, 16, self.size, self.size) if large else b""
        size = MOST_32 if large else self.size
        fields = (_LARGE if large else _PLAIN, _UTF8, 0, *_dos(self.modified), self.crc)
        lengths = (size, size, len(name), len(extra))
        return struct.pack("<4sHHHHHIIIHH", b"PK\3\4", *fields, *lengths) + name + extra

    @property
    def length(self) -> int:
        return 30 + len(self.name.encode()) + (20 if self.size >= MOST_32 else 0) + self.size


class Archive:
    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._starts = list(accumulate((entry.length for entry in entries), initial=0))
        self._directory = b"".join(map(_listed, entries, self._starts))
        self._directory += _end(len(entries), self._starts[-1], len(self._directory))

    @property
    def size(self) -> int:
        return self._starts[-1] + len(self._directory)

    @property
    def etag(self) -> str:
        """Strong: names, times, sizes and checksums are in the directory."""
        return f'"{hashlib.sha256(self._directory).hexdigest()[:32]}"'

    async def chunks(self, start: int, stop: int) -> Chunks:
        """The archive's bytes from `start` to before `stop`."""
        for piece, first, last in self._pieces(start, stop):
            if isinstance(piece, bytes):
                yield piece[first:last]
                continue
            async with aclosing(piece.read(first, last)) as body:
                async for chunk in body:
                    yield chunk

    def _pieces(self, start: int, stop: int) -> Iterator[tuple[Entry | bytes, int, int]]:
        """What the range touches, each with the part of it that is within."""
        number = max(bisect_right(self._starts, start) - 1, 0)
        for begin, entry in zip(self._starts[number:-1], self._entries[number:], strict=True):
            if begin >= stop:
                return
            head = entry.head
            yield from _within(head, begin, len(head), start, stop)
            yield from _within(entry, begin + len(head), entry.size, start, stop)
        yield from _within(self._directory, self._starts[-1], len(self._directory), start, stop)


def _within(
    piece: Entry | bytes, begin: int, size: int, start: int, stop: int
) -> Iterator[tuple[Entry | bytes, int, int]]:
    first, last = max(start - begin, 0), min(stop - begin, size)
    if first < last:
        yield piece, first, last


def _listed(entry: Entry, start: int) -> bytes:
    name = entry.name.encode()
    sizes = [entry.size, entry.size] if entry.size >= MOST_32 else []
    large = sizes + ([start] if start >= MOST_32 else [])
    extra = struct.pack(f"<HH{len(large)}Q", 1, 8 * len(large), *large) if large else b""
    size, offset = min(entry.size, MOST_32), min(start, MOST_32)
    version = _LARGE if large else _PLAIN
    fields = (_UNIX | version, version, _UTF8, 0, *_dos(entry.modified), entry.crc, size, size)
    lengths = (len(name), len(extra), 0, 0, 0, _FILE_MODE, offset)
    return struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", *fields, *lengths) + name + extra


def _end(count: int, start: int, size: int) -> bytes:
    large = b""
    if count >= MOST_16 or start >= MOST_32 or size >= MOST_32:
        record = (44, _UNIX | _LARGE, _LARGE, 0, 0, count, count, size, start)
        large = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", *record)
        large += struct.pack("<4sIQI", b"PK\6\7", 0, start + size, 1)
    few, size, start = min(count, MOST_16), min(size, MOST_32), min(start, MOST_32)
    return large + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, few, few, size, start, 0)


def _dos(moment: datetime) -> tuple[int, int]:
    """Time and date, in steps of two seconds, UTC."""
    year = min(max(moment.year, _FIRST), _LAST)
    time = moment.hour << 11 | moment.minute << 5 | moment.second // 2
    return time, (year - _FIRST) << 9 | moment.month << 5 | moment.day
