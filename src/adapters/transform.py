"""Transforms, in the child: every operation of domain.transform, on pixels."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyvips

from adapters.opening import (
    ANIMATED,
    Image,
    format_of,
    frames,
    heic,
    on_screen,
    opened,
    thumbnail,
)
from adapters.saving import WHITE, encoded, flattened, pages
from domain.media import Format
from domain.refusals import Validation
from domain.transform import Crop, Fit, Frame, Transform, frame

FRAMES_IN, FRAMES_OUT = 100_000_000, 30_000_000
"""Pixels over all frames of an animation, read and written: of a larger one the first is shown."""
ANY = 10_000_000
"""Of a side that may become as long as the other one makes it."""
_WAYS = {Crop.ENTROPY: "entropy", Crop.ATTENTION: "attention"}
_ROTATE = {90: "rot90", 180: "rot180", 270: "rot270"}


class Asked(NamedTuple):
    transform: Transform
    format: Format
    size: tuple[int, int] | None = None
    """Of the original, where a rendering of it stands in."""


def transformed(path: Path, asked: Asked) -> bytes:
    """The file as it is asked for. Raises Validation for a frame that it does not have."""
    wanted = asked.transform
    source = _Source(path, format_of(path), asked)
    image = _trimmed(source, wanted.trim) if wanted.trim is not None else source.scaled()
    if not (wanted.plain and wanted.fit is Fit.INSIDE):
        image = _worked_on(image.copy_memory(), asked, source.frame)
    behind = _color(wanted.bg) if wanted.bg else WHITE
    return encoded(image, asked.format, q=wanted.q, behind=behind)


class _Source:
    """A file, and how much of it is needed."""

    def __init__(self, path: Path, format: Format, asked: Asked) -> None:
        self._path = path
        self._heic = heic(path) if format is Format.HEIC else None
        first = self._heic or opened(path)
        count = frames(first) if format in ANIMATED else 1
        page = asked.transform.page or 1
        if page > count:
            raise Validation.of("page", f"must be at most {count}")
        upright = first.autorot() if self._heic is None else first
        self.frame = frame(asked.transform, *(asked.size or (upright.width, upright.height)))
        self._wanted = asked.transform
        self._stands_in = asked.size is not None
        self._options = f"[page={page - 1}]" if page > 1 else ""
        if asked.transform.page is None and asked.format in ANIMATED and count > 1:
            read = count * first.width * first.height
            written = count * self.frame.shown[0] * self.frame.shown[1]
            if read <= FRAMES_IN and written <= FRAMES_OUT:
                self._options = "[n=-1]"

    def scaled(self) -> Image:
        """Decoded no larger than it must be."""
        if self._heic is not None:
            return on_screen(self._resized(self._heic.thumbnail_image, {}))
        return on_screen(self._resized(partial(thumbnail, self._path), {"of": self._options}))

    def whole(self) -> Image:
        """In its own size, upright; its pixels can be asked for in any order."""
        if self._heic is not None:
            return on_screen(self._heic)
        image = opened(self._path, self._options)
        image = image.copy_memory()  # turned around, it would be read from its end
        return on_screen(image.autorot() if pages(image) == 1 else image)

    def resized(self, image: Image) -> Image:
        """A part of it, as if that were all."""
        height = image.height // pages(image)
        self.frame = frame(self._wanted, image.width, height)
        return _each_page(image, lambda it: self._resized(it.thumbnail_image, {"no_rotate": True}))

    def _resized(self, resize: Callable[..., Image], options: dict[str, Any]) -> Image:
        """By one factor for both sides, as far as the picture is not to be stretched.

        Two factors that nearly are one would move every pixel a little.
        """
        width, height = self.frame.scaled
        if self._wanted.fit is not Fit.FILL and not self._stands_in:
            boxes = [(width, ANY), (ANY, height)]
            if height in (self._wanted.w, self._wanted.h):  # the side that says how much
                boxes.reverse()
            for box in boxes:
                image = resize(box[0], height=box[1], **options)
                if (image.width, image.height // pages(image)) == self.frame.scaled:
                    return image
        return resize(width, height=height, size="force", **options)


def _trimmed(source: _Source, threshold: int) -> Image:
    image = source.whole()
    left, top, width, height = _content(_page(image, 0), threshold)
    if width and height:
        image = _each_page(image, lambda page: page.crop(left, top, width, height))
    return source.resized(image)


def _content(image: Image, threshold: int) -> tuple[int, int, int, int]:
    """Where it differs from its first pixel; where that is transparent, from nothing at all."""
    corner = image(0, 0)
    if image.hasalpha():
        if corner[-1] == 0:
            alpha = image.extract_band(image.bands - 1).copy(interpretation="b-w")
            return tuple(alpha.find_trim(threshold=threshold, background=[0]))
        image = image.flatten(background=corner[:-1])
        corner = corner[:-1]
    return tuple(image.find_trim(threshold=threshold, background=corner))


def _worked_on(image: Image, asked: Asked, sizes: Frame) -> Image:
    wanted = asked.transform
    if wanted.fit is Fit.COVER:
        image = _cropped(image, wanted.crop, sizes.shown)
    elif wanted.fit is Fit.CONTAIN:
        image = _embedded(image, asked, sizes.shown)
    image = _each_page(image, partial(_turned, transform=wanted))
    image = _each_page(image, partial(_filtered, transform=wanted))
    if wanted.gray:
        image = _gray(image)
    if wanted.bg and image.hasalpha():
        image = flattened(image, _color(wanted.bg))
    return image


def _cropped(image: Image, crop: Crop, shown: tuple[int, int]) -> Image:
    """The same part of every frame: what the first one shows there."""
    width, height = shown
    first = _page(image, 0)
    left, top = (first.width - width) // 2, (first.height - height) // 2
    if crop is not Crop.CENTER:
        chosen = first.smartcrop(width, height, interesting=_WAYS[crop])
        left, top = -chosen.xoffset, -chosen.yoffset
    return _each_page(image, lambda page: page.crop(left, top, width, height))


def _embedded(image: Image, asked: Asked, shown: tuple[int, int]) -> Image:
    """In the middle of its margins, which are transparent where no colour is asked for."""
    wanted = asked.transform
    if wanted.bg or asked.format is Format.JPEG:
        color = _color(wanted.bg) if wanted.bg else WHITE
        if image.hasalpha():
            image = flattened(image, color)
        if image.bands == 1 and len(set(color)) > 1:
            image = image.colourspace("srgb")
        margin = list(color[: image.bands])
    else:
        image = image if image.hasalpha() else image.addalpha()
        margin = [0] * image.bands
    around = {"extend": "background", "background": margin}
    return _each_page(image, lambda page: page.gravity("centre", *shown, **around))


def _turned(image: Image, transform: Transform) -> Image:
    if transform.rot:
        image = getattr(image, _ROTATE[transform.rot])()
    return image.fliphor() if transform.mirrored else image


def _filtered(image: Image, transform: Transform) -> Image:
    if transform.blur is not None:
        image = _blurred(image, float(transform.blur))
    if transform.sharpen is not None:
        image = image.sharpen(sigma=float(transform.sharpen))
    return image


def _blurred(image: Image, sigma: float) -> Image:
    """What is transparent lends no colour to what is not."""
    if not image.hasalpha():
        return image.gaussblur(sigma)
    kind = image.interpretation
    blurred = image.premultiply().gaussblur(sigma).unpremultiply()
    return blurred.cast("uchar").copy(interpretation=kind)


def _gray(image: Image) -> Image:
    """Of the colours that its profile means; a profile of colours does not go with grays."""
    if not image.get_typeof("icc-profile-data"):
        return image.colourspace("b-w")
    alpha = image.extract_band(image.bands - 1) if image.hasalpha() else None
    if image.bands >= 3:
        image = image.icc_transform("srgb", embedded=True)
        image = image.extract_band(0, n=3) if alpha is not None else image
    gray = image.colourspace("b-w").extract_band(0)
    gray = gray.bandjoin(alpha) if alpha is not None else gray.copy()
    gray.remove("icc-profile-data")
    return gray.copy(interpretation="b-w")


def _color(digits: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(digits))


def _page(image: Image, number: int) -> Image:
    height = image.height // pages(image)
    return image.crop(0, number * height, image.width, height)


def _each_page(image: Image, work: Callable[[Image], Image]) -> Image:
    count = pages(image)
    if count == 1:
        return work(image)
    done = [work(_still(_page(image, number))) for number in range(count)]
    joined = pyvips.Image.arrayjoin(done, across=1).copy()
    joined.set_type(pyvips.GValue.gint_type, "page-height", done[0].height)
    return joined


def _still(page: Image) -> Image:
    """A frame for itself, which nothing takes for a whole animation."""
    page = page.copy()
    page.remove("page-height")
    return page
