"""Files as images, in the child: opened, in a screen's colours."""

from pathlib import Path
from typing import Any

import pillow_heif
import pyvips

from adapters import headers
from domain.media import Format

Image = Any  # pyvips makes its methods at run time

ANIMATED = (Format.GIF, Format.WEBP)

BULKY = 4_096
"""Bytes of a colour profile, beyond which colours become Display P3's, which takes 480.

The standard spaces take less. A measured one can be larger than a thumbnail, and tells of whose
screen or scanner it is.
"""


def format_of(path: Path) -> Format:
    with path.open("rb") as file:
        return headers.format_of(file.read(headers.HEAD))


def opened(path: Path, of: str = "", **options: Any) -> Image:
    """Opening proves nothing: what is broken shows when pixels are asked for.

    `of` is which pages, as libvips writes it behind a file's name.
    """
    options = {"access": "sequential", "fail_on": "error"} | options
    if _is_sequence(path):
        return pyvips.Image.heifload(str(path), **options)
    return pyvips.Image.new_from_file(f"{path}{of}", **options)


def thumbnail(path: Path, width: int, of: str = "", **size: Any) -> Image:
    """Decoded no larger than it must be."""
    if _is_sequence(path):
        return opened(path).thumbnail_image(width, **size)
    return pyvips.Image.thumbnail(f"{path}{of}", width, fail_on="error", **size)


def _is_sequence(path: Path) -> bool:
    """An AVIF that moves: libvips has to be told that it knows it, and reads its first picture."""
    with path.open("rb") as file:
        return file.read(12)[4:] == b"ftypavis"


def heic(path: Path) -> Image:
    """HEVC, decoded by libheif: the wheel of libvips has no decoder for it."""
    file = pillow_heif.open_heif(path, convert_hdr_to_8bit=True)
    found = file[file.primary_index]
    picture = found.to_pillow()
    if picture.mode not in ("L", "RGB", "RGBA"):
        picture = picture.convert("RGBA" if "A" in picture.mode else "RGB")
    bands = len(picture.getbands())
    image = pyvips.Image.new_from_memory(
        picture.tobytes(), picture.width, picture.height, bands, "uchar"
    ).copy(interpretation="b-w" if bands == 1 else "srgb")
    for field, key in (
        ("icc-profile-data", "icc_profile"),
        ("exif-data", "exif"),
        ("xmp-data", "xmp"),
    ):
        if isinstance(value := found.info.get(key), bytes) and value:
            image.set_type(pyvips.GValue.blob_type, field, value)
    image.set_type(pyvips.GValue.gint_type, "orientation", 1)
    return image


def whole(path: Path, format: Format) -> Image:
    return heic(path) if format is Format.HEIC else opened(path)


def upright(image: Image) -> tuple[int, int]:
    """Width and height, as shown."""
    turned = orientation(image) in (5, 6, 7, 8)
    return (image.height, image.width) if turned else (image.width, image.height)


def frames(image: Image) -> int:
    return int(image.get("n-pages")) if image.get_typeof("n-pages") else 1


def orientation(image: Image) -> int:
    found = int(image.get("orientation")) if image.get_typeof("orientation") else 1
    return found if 1 <= found <= 8 else 1


def on_screen(image: Image) -> Image:
    """CMYK and Lab through their profiles to sRGB, 16 bit to 8; small RGB profiles are kept."""
    profile = image.get_typeof("icc-profile-data")
    if image.interpretation in ("cmyk", "lab", "labs", "xyz") or (
        profile and image.bands not in (1, 2, 3, 4)
    ):
        if profile:
            image = image.icc_transform("srgb", embedded=True)
        return image.colourspace("srgb")
    if image.interpretation == "grey16":
        return image.colourspace("b-w")
    if image.interpretation not in ("srgb", "b-w"):
        image = image.colourspace("srgb")
    if profile and image.bands >= 3 and len(image.get("icc-profile-data")) > BULKY:
        return image.icc_transform("p3", embedded=True, input_profile="srgb")
    return image
