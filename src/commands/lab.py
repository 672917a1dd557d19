"""Pixels: what is made of originals, and what makes it."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec

from domain.media import Format, Rung
from domain.transform import Transform
from domain.uploads import Arrived


class Derivative(msgspec.Struct, frozen=True, kw_only=True):
    """One rendering: upright, colour profile kept, no other metadata."""

    rung: Rung
    format: Format
    width: int
    height: int
    body: bytes


class Whereabouts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """WGS 84 degrees, metres."""

    latitude: float
    longitude: float
    altitude: float | None = None


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says of itself: named, decodable fields only; its whereabouts apart."""

    exif: dict[str, str | int | float] = {}
    iptc: dict[str, str | list[str]] = {}
    xmp: dict[str, str | list[str]] = {}
    color_profile: str | None = None
    """The ICC profile's description; None if the file has none (then it is sRGB)."""
    orientation: int = 1
    """EXIF 1 to 8, as found: derivatives and dimensions are already upright."""
    gps: Whereabouts | None = None
    taken_at: datetime | None = None
    """EXIF capture time; taken for UTC where the file names no offset."""


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """What an original is known by, to archives and to whoever seeks its like."""

    crc: int
    """CRC-32."""
    scrubbed_size: int | None = None
    """Of the copy without its whereabouts, where there is one."""
    scrubbed_crc: int | None = None
    fingerprint: int | None = None
    """A perceptual hash of 64 bits, as a signed number; None for a flat picture."""


class Development(msgspec.Struct, frozen=True, kw_only=True):
    """Every print of one original, from one decode."""

    recipe: str
    placeholder: str
    """ThumbHash, base64."""
    metadata: Metadata
    derivatives: Sequence[Derivative]
    alpha: bool
    """Whether anything of it is transparent, or might be."""
    faithful: bool
    """Whether smaller pictures look the same, made from the derivatives or from the original."""
    scrubbed: bytes | None
    """The original without its whereabouts, losslessly; None if it tells none."""
    traits: Traits


class Inspector(Protocol):
    async def inspect(self, path: Path) -> Arrived:
        """Prove by a full decode that the file is an image within the caps.

        Raises UnsupportedFormat, CorruptImage, TooManyPixels, TooManyFrames or FileTooLarge, with
        the figures behind it; whatever the file does to the child is CorruptImage.
        """
        ...


class Lab(Inspector, Protocol):
    """Decodes untrusted files in child processes; a child's death costs one file.

    Raises refusals.Unavailable if the queue is full.
    """

    recipe: str
    """Name and version of how derivatives are made; part of their keys."""

    async def develop(self, path: Path) -> Development:
        """The whole ladder from one decode, in WebP and JPEG; what is PNG also in PNG.

        What moves does so in WebP, up to a size of all its frames; it is not made in JPEG here.
        Raises CorruptImage.
        """
        ...

    async def render(self, path: Path, rung: Rung, format: Format) -> Derivative:
        """One derivative. Raises CorruptImage."""
        ...

    async def transform(
        self,
        path: Path,
        transform: Transform,
        format: Format,
        *,
        size: tuple[int, int] | None = None,
    ) -> bytes:
        """Upright and without metadata but the profile, animated where both formats can be.

        `size` is the original's, upright, where the file is a rendering that stands in for it.
        Raises Validation for a page that the file does not have, or CorruptImage.
        """
        ...

    async def scrub(self, path: Path) -> bytes | None:
        """As Development.scrubbed."""
        ...
