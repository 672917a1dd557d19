"""What is counted of looks until it is written down: sums, and who is to be counted once."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.ids import ImageId, ShareId

MOST, MOST_VIEWERS = 200_000, 1_000_000
"""Sums and viewers that are held while the database is away; who comes then is dropped."""
_DIGEST = 8
"""Bytes of a viewer's hash: of a billion in an hour, two are the same once in forty hours."""


class Sum:
    """Of one image in one hour.

    `number` is its place in the batch, from 1; `marks` is what the hash of one who looked begins
    with, and of one who took it away.
    """

    __slots__ = (
        "egress_bytes",
        "marks",
        "number",
        "originals",
        "repeats",
        "robots",
        "shared",
        "transforms",
        "variants",
    )

    def __init__(self, number: int, mark: bytes) -> None:
        self.number = number
        self.marks = mark + b"0", mark + b"1"
        self.egress_bytes = self.originals = self.variants = self.shared = 0
        self.robots = self.repeats = self.transforms = 0


class Batch:
    """What is counted together: by image and hour, and each viewer once."""

    def __init__(self) -> None:
        self.sums: dict[tuple[int, datetime], Sum] = {}
        """By an image's id as a number: Python hashes it in a third of the time."""
        self.viewers: dict[int, int] = {}
        """By hash, at what they looked: twice its sum's number, and one if they took it away."""
        self.links: dict[tuple[ShareId, UUID], tuple[int, datetime]] = {}
        """How often each was followed, and when last."""

    def __bool__(self) -> bool:
        return bool(self.sums or self.links)

    @property
    def waiting(self) -> int:
        return len(self.sums) + len(self.viewers)

    def sum_of(self, image_id: ImageId, hour: datetime, salt: bytes) -> Sum | None:
        """None where there is no room for more."""
        found = self.sums.get((image_id.int, hour))
        if len(self.viewers) >= MOST_VIEWERS:
            return None
        if found is None and len(self.sums) < MOST:
            mark = b"%b%b%02d" % (salt, image_id.bytes, hour.hour)
            found = self.sums[image_id.int, hour] = Sum(len(self.sums) + 1, mark)
        return found

    def looked(self, sum: Sum, viewer: str, *, download: bool) -> None:
        mark = sum.marks[download] + viewer.encode()
        self.viewers[_hashed(mark)] = 2 * sum.number + download

    def opened(self, share_id: ShareId, of: UUID, at: datetime) -> None:
        times, _ = self.links.get((share_id, of), (0, None))
        if times or len(self.links) < MOST:
            self.links[share_id, of] = (times + 1, at)

    def parameters(self) -> dict[str, Any]:
        """Viewers are sorted, so that those who are neighbours in the index come one by one."""
        sums, viewers = self.sums, sorted(self.viewers)
        return {
            "images": [UUID(int=image) for image, _ in sums],
            "hours": [hour for _, hour in sums],
            **{name: [getattr(it, name) for it in sums.values()] for name in SUMMED},
            "viewers": _array(viewers),
            "looks": _array(map(self.viewers.__getitem__, viewers)),
            "links": [share for share, _ in self.links],
            "lent": [of for _, of in self.links],
            "followed": [times for times, _ in self.links.values()],
            "followed_at": [at for _, at in self.links.values()],
        }


SUMMED = tuple(name for name in Sum.__slots__ if name not in ("number", "marks"))


def _hashed(viewer: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(viewer, digest_size=_DIGEST).digest(), signed=True)


def _array(numbers: Iterable[int]) -> str:
    """As Postgres reads it; made in one go, it costs a tenth of a list of parameters."""
    return f"{{{','.join(map(str, numbers))}}}"
