"""Image formats, caps on what is accepted, and what was found in accepted bytes."""

from enum import StrEnum

import msgspec

from domain.stream import Personal


class Format(StrEnum):
    JPEG = "jpeg"
    PNG = "png"
    GIF = "gif"
    WEBP = "webp"
    HEIC = "heic"
    AVIF = "avif"

    @property
    def content_type(self) -> str:
        return f"image/{self.value}"

    @property
    def extension(self) -> str:
        return "jpg" if self is Format.JPEG else self.value


def within(width: int, height: int, side: int) -> tuple[int, int]:
    """The sides of a picture of which neither may be longer: it is never enlarged."""
    longest = max(width, height)
    if longest <= side:
        return width, height
    return max(1, round(width * side / longest)), max(1, round(height * side / longest))


class Rung(StrEnum):
    """A step of the ladder of derivatives, named by its longest side."""

    THUMB = "thumb"
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"

    @property
    def side(self) -> int:
        """The longest side in pixels; smaller originals keep their size."""
        return {"thumb": 256, "small": 640, "medium": 1280, "large": 2048}[self.value]

    def fit(self, width: int, height: int) -> tuple[int, int]:
        """The sides of a picture on this step, in whatever way it is made."""
        return within(width, height, self.side)


class Caps(msgspec.Struct, frozen=True, kw_only=True):
    """The most that one file may be. Sizes in bytes, sides in pixels."""

    file_bytes: int = 64 * 1024 * 1024
    pixels: int = 100_000_000
    side: int = 30_000
    frames: int = 1_000
    frame_pixels: int = 250_000_000
    """Pixels summed over all frames."""
    scans: int = 100
    """Start-of-scan markers of a progressive JPEG: 5,000 of them in 191 kB cost 10 s of CPU."""


class Content(Personal, frozen=True, kw_only=True):
    """What a full decode proved about the bytes. `checksum` is the SHA-256 in hex."""

    checksum: str
    width: int
    height: int
    """Upright, as shown."""
    frames: int = 1
