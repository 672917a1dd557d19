"""How far an upload has come whose bytes arrive piece by piece."""

from collections.abc import Sequence

import msgspec

from domain.refusals import FileTooLarge, OffsetMismatch


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that lie in the object store for good. No number is ever given twice."""

    number: int
    size: int
    etag: str = ""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """What is durable, in order: parts, then perhaps a tail too small to be one."""

    parts: tuple[Piece, ...] = ()
    tail: Piece | None = None

    @property
    def offset(self) -> int:
        return sum(part.size for part in self.parts) + (self.tail.size if self.tail else 0)

    def with_part(self, part: Piece) -> "Progress":
        """`part` begins with the bytes of the tail."""
        return Progress(parts=(*self.parts, part))

    def with_tail(self, tail: Piece) -> "Progress":
        """`tail` begins with the bytes of the old one."""
        return Progress(parts=self.parts, tail=tail)


def require_fit(offset: int, *, at: int, coming: int | None, size: int) -> None:
    """Whether a request's bytes belong behind `offset`. Raises OffsetMismatch or FileTooLarge."""
    if at != offset:
        raise OffsetMismatch(offset=offset, requestedOffset=at)
    if coming is not None and at + coming > size:
        raise FileTooLarge(limitBytes=size, requestedBytes=at + coming)


def received(parts: Sequence[Piece], *, part_size: int, size: int) -> list[Piece]:
    """Of the parts that a client sent by itself, those that are as they were to be."""
    planned = dict(plan(part_size=part_size, size=size))
    return [part for part in parts if planned.get(part.number) == part.size]


def plan(*, part_size: int, size: int) -> list[tuple[int, int]]:
    """Number and size of each part that `size` bytes are sent in."""
    starts = range(0, size, part_size)
    return [(n, min(part_size, size - start)) for n, start in enumerate(starts, start=1)]
