"""ladder: all renderings from one decode, beside one decode for each size."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from adapters import vips
from benchmarks.measure import Figure, cpu_seconds, medians
from benchmarks.rig import Rig
from domain.media import Format

WHAT = "every size of a 12 MP photo from one decode, beside one decode for each size"
ROUNDS = 7


def run(rig: Rig) -> Iterator[Figure]:
    file = rig.photo()
    vips.prepare()
    yield _figure(rig, file, [Format.JPEG], "the ladder in JPEG")
    yield _figure(rig, file, vips.AHEAD, "the ladder as developed, in WebP and JPEG")


def _figure(rig: Rig, file: Path, formats: Sequence[Format], what: str) -> Figure:
    rig.step(what)
    once, each = medians(
        ROUNDS,
        lambda: cpu_seconds(lambda: vips._ladder(file, Format.JPEG, formats)),
        lambda: cpu_seconds(lambda: _each(file, formats)),
    )
    return Figure(
        what=what,
        measured=1000 * once,
        unit="ms of CPU",
        beside=1000 * each,
        peer="a decode each",
        least_ratio=1.5,
    )


def _each(file: Path, formats: Sequence[Format]) -> None:
    for rung in vips.LADDER:
        image = vips._rung(file, Format.JPEG, rung).copy_memory()
        for format in formats:
            vips._saved(image, rung, format)
