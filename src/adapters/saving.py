"""Images as bytes, in the child: each format with its settings, and no metadata but the profile."""

from typing import Any

from adapters.opening import ANIMATED, Image
from domain.media import Format
from domain.transform import QUALITY

_SAVE: dict[Format, tuple[str, dict[str, Any]]] = {
    # 3 takes more than twice as long for 2 to 5 per cent fewer bytes, and looks no better (SSIM)
    Format.WEBP: ("webpsave_buffer", {"effort": 2}),
    # not progressive: renderings are made from renderings, and that takes twice as long to decode
    Format.JPEG: ("jpegsave_buffer", {"optimize_coding": True}),
    Format.PNG: ("pngsave_buffer", {"compression": 6}),
    Format.AVIF: ("heifsave_buffer", {"compression": "av1", "effort": 3}),
    Format.GIF: ("gifsave_buffer", {"effort": 1}),  # 7, the default, takes ten times as long
}
WHITE = (255, 255, 255)


def pages(image: Image) -> int:
    """Frames that lie below each other in it."""
    return image.height // image.get("page-height") if image.get_typeof("page-height") else 1


def encoded(
    image: Image, format: Format, *, q: int | None = None, behind: tuple[int, ...] = WHITE
) -> bytes:
    """`behind` is the colour behind what is transparent, where the format knows no such thing."""
    if pages(image) > 1 and format not in ANIMATED:
        image = first_page(image)
    if format is Format.JPEG and image.hasalpha():
        image = flattened(image, behind)
    if format is Format.GIF:
        image = without_profile(image)
    method, options = _SAVE[format]
    if format in QUALITY:
        options = options | {"Q": q or QUALITY[format]}
    return bytes(getattr(image, method)(keep="icc", **options))


def without_profile(image: Image) -> Image:
    """For a format that has none: in sRGB, which is what everybody takes it for."""
    if not image.get_typeof("icc-profile-data"):
        return image
    return image.icc_transform("srgb", embedded=True)


def first_page(image: Image) -> Image:
    image = image.crop(0, 0, image.width, image.get("page-height")).copy()
    image.remove("page-height")
    return image


def flattened(image: Image, behind: tuple[int, ...]) -> Image:
    gray = image.bands < 3
    return image.flatten(background=behind[:1] if gray else behind)
