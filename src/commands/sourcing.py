"""Which stored rendering can stand in for an original when a transform is made."""

from domain.media import Format, Rung
from domain.transform import QUALITY, Crop, Fit, Transform, frame

MARGIN = 2
"""How many times as large as the result a rendering must be for nobody to see that it was one:
at 2, the structural similarity to what the original gives is 0.98 and more; at 1.3, 0.96."""
LOSSY = (Format.JPEG, Format.HEIC, Format.AVIF)
"""Originals that a rendering in JPEG can stand in for. What has no loss keeps that."""
_RUNGS = sorted(Rung, key=lambda it: it.side)


def rung_of(transform: Transform, width: int, height: int) -> Rung | None:
    """The rung that is what was asked for, if there is one. `width` and `height` are upright."""
    if not (transform.plain and transform.fit is Fit.INSIDE):
        return None
    asked = frame(transform, width, height).shown
    return next((it for it in _RUNGS if _shown(it, width, height) == asked), None)


def stand_in(transform: Transform, source: Format, size: tuple[int, int]) -> Rung | None:
    """The smallest rendering, in JPEG, that will do for an original of that size."""
    chosen = transform.crop is not Crop.CENTER  # by what is seen, to the last pixel
    whole = transform.trim is not None or transform.page is not None or chosen
    fine = transform.q is not None and transform.q > QUALITY[Format.JPEG]
    if whole or fine or source not in LOSSY:
        return None
    needed = MARGIN * max(frame(transform, *size).scaled)
    rung = next((it for it in _RUNGS if it.side >= needed), None)
    return rung if rung and rung.side < max(size) else None


def _shown(rung: Rung, width: int, height: int) -> tuple[int, int]:
    return frame(Transform(w=rung.side, h=rung.side), width, height).shown
