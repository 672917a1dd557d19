"""How alike two pictures are to the eye, in the child: structural similarity (Wang, 2004)."""

from collections.abc import Callable, Sequence

import pyvips

from adapters.opening import Image
from commands.lab import Derivative
from commands.sourcing import LOSSY, MARGIN
from domain.media import Format, Rung

ALIKE = 0.98
"""Below it, one sees which of the two was made from a rendering."""
JUDGED = (Rung.SMALL, Rung.MEDIUM)
"""Enough to know a picture by: these are asked for most."""
_SIGMA = 1.5
_STEADY = ((0.01 * 255) ** 2, (0.03 * 255) ** 2)


def faithful(
    source: Format, longest: int, made: Sequence[Derivative], shown: Callable[[int, int], Image]
) -> bool:
    """Whether what is made from renderings looks like what is made from the original.

    `longest` is the original's longer side; `shown` gives the original in a width and height.
    """
    kind = Format.JPEG if source in LOSSY else None
    judged = [it for it in made if it.format is kind and it.rung in JUDGED]
    return all(_alike(it, shown) for it in judged if it.rung.side < longest)


def similarity(one: Image, other: Image) -> float:
    """1 for equals. Both have the same size."""
    one, other = _light(one), _light(other)
    mean, others_mean = _blurred(one), _blurred(other)
    variance = _blurred(one * one) - mean * mean
    others_variance = _blurred(other * other) - others_mean * others_mean
    common = _blurred(one * other) - mean * others_mean
    first, second = _STEADY
    alike = (mean * others_mean * 2 + first) * (common * 2 + second)
    most = (mean * mean + others_mean * others_mean + first) * (variance + others_variance + second)
    return float((alike / most).avg())


def _alike(made: Derivative, shown: Callable[[int, int], Image]) -> bool:
    """At the largest size for which this rendering would stand in."""
    width, height = max(1, made.width // MARGIN), max(1, made.height // MARGIN)
    second = pyvips.Image.thumbnail_buffer(made.body, width, height=height, size="force")
    return similarity(shown(width, height).copy_memory(), second.copy_memory()) >= ALIKE


def _light(image: Image) -> Image:
    if image.hasalpha():
        image = image.flatten(background=[255])
    return image.colourspace("b-w").extract_band(0).cast("float")


def _blurred(image: Image) -> Image:
    return image.gaussblur(_SIGMA, precision="float")
