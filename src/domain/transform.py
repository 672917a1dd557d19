"""What can be asked of a picture: `w_640,h_480,fit_cover,q_80`, and the one way to write it."""

import re
from collections.abc import Callable, Collection, Iterator
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import asdict, replace

from domain.media import Format
from domain.refusals import SignatureRequired, Validation

SIDE = 8_192
"""The most pixels a side that a result is asked to have."""
PIXELS = 40_000_000
"""The same, over both sides."""
STEPS = (
    *(16, 32, 48, 64, 96, 128, 256, 320, 384, 480, 512, 600, 640, 750, 768, 800, 828, 960),
    *(1024, 1080, 1200, 1280, 1600, 1920, 2048, 2560, 3840),
)
"""Widths and heights that anybody may ask for, unless the settings name others."""
QUALITY = {Format.WEBP: 80, Format.JPEG: 82, Format.AVIF: 55}
"""Where nothing else is asked for; the other formats lose nothing."""
TRIM = 10
"""How different from the corner's colour, of 255, the picture begins to be."""
WHITE = "ffffff"


class Fit(StrEnum):
    """What becomes of a picture whose shape is another than the one asked for."""

    COVER = "cover"
    """Fills it, and is cropped."""
    CONTAIN = "contain"
    """Whole inside it, with margins."""
    INSIDE = "inside"
    """Whole inside it, and never enlarged; the result has its own shape."""
    FILL = "fill"
    """Stretched."""


class Crop(StrEnum):
    """What a picture that covers keeps."""

    CENTER = "center"
    ENTROPY = "entropy"
    ATTENTION = "attention"


class Transform(msgspec.Struct, frozen=True, kw_only=True):
    """In the order in which it is done: page, trim, rotation, mirroring, size, then the rest.

    Two that look the same are the same: `dpr` is part of the size, and every way to mirror is a
    rotation before a mirroring from left to right.
    """

    w: int | None = None
    h: int | None = None
    """Of the result, in pixels."""
    fit: Fit = Fit.INSIDE
    crop: Crop = Crop.CENTER
    q: int | None = None
    """1 to 100; None is the format's own."""
    rot: int = 0
    """Degrees clockwise: 0, 90, 180 or 270."""
    mirrored: bool = False
    blur: Decimal | None = None
    sharpen: Decimal | None = None
    """Sigma, in pixels of the result."""
    bg: str | None = None
    """Six hexadecimal digits, behind what is transparent and in margins."""
    gray: bool = False
    trim: int | None = None
    """Removes borders that differ from their corner by no more."""
    page: int | None = None
    """One frame of an animation, from 1."""

    @property
    def text(self) -> str:
        """Canonical: equal transforms are written equally, and read back as what they are."""
        return ",".join(_written(self))

    @property
    def plain(self) -> bool:
        """Nothing but the size is asked for, and the whole picture in it."""
        return replace(self, w=None, h=None) == Transform()


def parse(text: str) -> Transform:
    """Raises Validation with everything that is wrong. An empty text asks for nothing."""
    found: dict[str, Any] = {}
    errors = []
    for part in text.split(",") if text else ():
        name, _, value = part.partition("_")
        try:
            if name not in _READ:
                raise ValueError("is no operation")
            if name in found:
                raise ValueError("stands twice")
            found[name] = None  # a wrong one is there, too
            found[name] = _READ[name](value)
        except ValueError as error:
            errors.append(_error(name, str(error)))
    errors += [_error(*it) for it in _contradictions(found)]
    if errors:
        raise Validation(errors=errors)
    return _normal(found)


def for_format(transform: Transform, format: Format) -> Transform:
    """Without what makes no difference in it."""
    if transform.q is not None and transform.q == QUALITY.get(format, transform.q):
        transform = replace(transform, q=None)
    if format is Format.JPEG and transform.bg == WHITE:  # which is what it has in any case
        transform = replace(transform, bg=None)
    return transform


def for_size(transform: Transform, width: int, height: int) -> Transform:
    """Without a size that a picture of this one, which is shown whole, is within anyhow."""
    if transform.fit is not Fit.INSIDE or transform.trim is not None:
        return transform
    if transform.rot % 180:
        width, height = height, width
    if (transform.w or width) >= width and (transform.h or height) >= height:
        return replace(transform, w=None, h=None)
    return transform


class Frame(NamedTuple):
    """Sides in pixels, before the rotation."""

    scaled: tuple[int, int]
    """What the whole picture is resized to,"""
    shown: tuple[int, int]
    """and what is then cut out of it, or put around it."""


def frame(transform: Transform, width: int, height: int) -> Frame:
    """Of a picture with these sides, upright."""
    w, h = transform.w, transform.h
    if transform.rot % 180:
        w, h = h, w
    if w is None or h is None or transform.fit is Fit.INSIDE:
        scale = min((w or width) / width, (h or height) / height, 1)
        inside = (_side(width * scale), _side(height * scale))
        return Frame(inside, inside)
    if transform.fit is Fit.FILL:
        return Frame((w, h), (w, h))
    ratios = (w / width, h / height)
    if transform.fit is Fit.COVER:
        scale = max(ratios)
        return Frame((max(w, _side(width * scale)), max(h, _side(height * scale))), (w, h))
    scale = min(ratios)
    return Frame((min(w, _side(width * scale)), min(h, _side(height * scale))), (w, h))


def _side(length: float) -> int:
    """As libvips rounds."""
    return max(1, int(length + 0.5))


def require_steps(transform: Transform, steps: Collection[int]) -> None:
    """Raises SignatureRequired for a width or height that nobody may ask for without."""
    off = [it for it in (transform.w, transform.h) if it is not None and it not in steps]
    if off:
        raise SignatureRequired(sizes=off, allowed=sorted(steps))


def _error(name: str, message: str) -> dict[str, str]:
    return {"field": name[:40], "message": message}


# Reading


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch("[0-9]{1,6}", text) or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(text)

    return read


def _decimal(least: str, most: str) -> Callable[[str], Decimal]:
    def read(text: str) -> Decimal:
        plain = re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,2})?", text)
        if not plain or not Decimal(least) <= Decimal(text) <= Decimal(most):
            raise ValueError(f"must be a number from {least} to {most}, of at most two decimals")
        return Decimal(text)

    return read


def _one_of(kind: Callable[[str], Any], *known: str) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        if text not in known:
            raise ValueError(f"must be one of {', '.join(known)}")
        return kind(text)

    return read


def _flag(text: str) -> bool:
    if text not in ("", "1"):
        raise ValueError("takes no value")
    return True


def _trim(text: str) -> int:
    return _whole(1, 254)(text) if text else TRIM


def _color(text: str) -> str:
    if not re.fullmatch("([0-9a-fA-F]{3}){1,2}", text):
        raise ValueError("must be a colour of three or six hexadecimal digits")
    return (text if len(text) == 6 else "".join(2 * digit for digit in text)).lower()


_READ: dict[str, Callable[[str], Any]] = {
    "w": _whole(1, SIDE),
    "h": _whole(1, SIDE),
    "fit": _one_of(Fit, *Fit),
    "crop": _one_of(Crop, *Crop),
    "q": _whole(1, 100),
    "dpr": _decimal("0.1", "4"),
    "rot": _one_of(int, "0", "90", "180", "270"),
    "flip": _one_of(str, "h", "v", "hv"),
    "blur": _decimal("0.3", "100"),
    "sharpen": _decimal("0.3", "10"),
    "bg": _color,
    "gray": _flag,
    "trim": _trim,
    "page": _whole(1, 100_000),
}


def _contradictions(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What each operation alone does not show; an operation that is wrong itself is None."""
    for name in ("fit", "crop"):
        wanted = found.get(name)
        needs_shape = wanted is not None and wanted is not Fit.INSIDE
        if needs_shape and not {"w", "h"} <= found.keys():
            yield name, "needs both w and h"
    if found.get("crop") and found.get("fit", Fit.COVER) not in (Fit.COVER, None):
        yield "crop", "needs fit_cover"
    sides = {name: _scaled(found.get(name), found.get("dpr")) for name in ("w", "h")}
    for name, side in sides.items():
        if side is not None and not 1 <= side <= SIDE:
            yield name, f"must be from 1 to {SIDE} with its dpr"
    if (sides["w"] or 0) * (sides["h"] or 0) > PIXELS:
        yield "w", f"must make at most {PIXELS} pixels with h"


def _scaled(side: int | None, dpr: Decimal | None) -> int | None:
    return side and int((side * (dpr or 1) * Decimal(1)).quantize(Decimal(1), ROUND_HALF_UP))


def _normal(found: dict[str, Any]) -> Transform:
    dpr = found.pop("dpr", None)
    flip, rot = found.pop("flip", ""), found.pop("rot", 0)
    if "v" in flip:  # upside down is half a turn, and the other way round
        rot = (rot + 180) % 360
    if "crop" in found:
        found["fit"] = Fit.COVER
    found |= {name: _scaled(found.get(name), dpr) for name in ("w", "h")}
    return Transform(rot=rot, mirrored=flip in ("h", "v"), **found)


# Writing


class _Word(NamedTuple):
    name: str
    field: str


_WORDS = (
    *(_Word(name, name) for name in ("w", "h", "fit", "crop", "q", "rot")),
    _Word("flip", "mirrored"),
    *(_Word(name, name) for name in ("blur", "sharpen", "bg", "gray", "trim", "page")),
)


def _written(transform: Transform) -> Iterator[str]:
    values, defaults = asdict(transform), asdict(Transform())
    for name, field in _WORDS:
        value = values[field]
        if value == defaults[field]:
            continue
        if name == "flip":
            yield "flip_h"
        elif value is True or (name == "trim" and value == TRIM):
            yield name
        else:
            yield f"{name}_{_plain(value)}"


def _plain(value: object) -> str:
    """Numbers without needless zeros."""
    if not isinstance(value, Decimal):
        return str(value)
    return f"{value.normalize():f}"
