"""What is counted of images: who looked, what left. Kept beside the log, never in it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple, Protocol
from uuid import UUID

import msgspec

from domain.ids import AccountId, ImageId, ShareId


class Visitor(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a request said of whoever makes it; what to make of that, is found out later."""

    account: str = ""
    peer: str = ""
    forwarded: bytes = b""
    """X-Forwarded-For, as it came."""
    agent: bytes = b""


class Onlooker(NamedTuple):
    name: str
    """An account, or an address with its browser; only a hash of it leaves the process."""
    robot: bool


class Sight(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One answer with an image's bytes, or with word of them."""

    image_id: ImageId
    by: Visitor
    original: bool
    shared: bool = False
    """By a share link."""
    opened: tuple[ShareId, UUID] | None = None
    """The link that was followed to here, not from its page, and what it lends."""
    download: bool = False
    again: bool = False
    """No look of its own: HEAD, 304, or a later range of what is being read."""
    transform: bool = False
    egress: int
    """Bytes of the body."""


class Counts(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Views and downloads are people's, once each for a viewer and an hour; the rest is answers."""

    views: int = 0
    downloads: int = 0
    egress_bytes: int = 0
    originals: int = 0
    variants: int = 0
    shared: int = 0
    robots: int = 0
    repeats: int = 0
    transforms: int = 0


class Day(Counts, frozen=True, kw_only=True):
    day: date


class Stats(Counts, frozen=True, kw_only=True):
    by_day: Sequence[Day] = ()
    """The oldest first; days on which nobody came are left out."""


class Looks(msgspec.Struct, frozen=True, kw_only=True):
    """How often a share link was followed; robots do not count."""

    views: int = 0
    last_viewed_at: datetime | None = None


class Counter(Protocol):
    """No answer waits for it: what it is told is written down within a second."""

    def saw(self, sight: Sight) -> None: ...

    def opened(self, share_id: ShareId, of: UUID) -> None:
        """A share link's page; `of` is what the link lends."""
        ...


class Tallies(Protocol):
    """The read port."""

    async def stats(self, image_id: ImageId) -> Stats: ...

    async def of_links(self, of: UUID) -> Mapping[ShareId, Looks]:
        """Of an image or an album; those that were followed."""
        ...

    async def of_owner(self, owner_id: AccountId, since: datetime) -> Counts:
        """Of all that they own, or owned, from a full hour on."""
        ...
