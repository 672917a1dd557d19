"""Likeness: which images look the same, whatever was done to their bytes."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from domain.access import Viewer
from domain.ids import ImageId
from projections.gallery import Exhibit

NEAR, FAR = 8, 15
"""Bits of a fingerprint's 64 that may differ: by default, and at most."""


class Like(msgspec.Struct, frozen=True, kw_only=True):
    exhibit: Exhibit
    distance: int
    """Bits in which the fingerprints differ."""


class Likes(msgspec.Struct, frozen=True, kw_only=True):
    """A page of them, and how many there are."""

    found: Sequence[Like] = ()
    total: int = 0


class Likenesses(Protocol):
    async def of(
        self, image_id: ImageId, viewer: Viewer, *, within: int, limit: int, page: int
    ) -> Likes:
        """What the viewer may list, the most alike first; nothing for what is flat, or too new."""
        ...
