"""A perceptual hash: 64 bits that hardly change as a picture is resized, saved anew or touched up.

The signs of the lowest frequencies of a cosine transform, against their median (pHash).
"""

import math
from collections.abc import Sequence
from operator import mul
from statistics import median

SIDE = 32
"""Grey pixels a side that it is made of."""
_LOW = 9
_LOWEST = sorted(
    ((x, y) for x in range(_LOW) for y in range(_LOW) if x or y),
    key=lambda at: (at[0] ** 2 + at[1] ** 2, at),
)[:64]
"""Of each axis, how many waves. Not (0, 0), which is the brightness of it all."""
_FLAT = 2.0
"""Of a picture that varies less around its mean there is nothing to tell."""
_COSINES = [
    [math.cos(math.pi * (2 * x + 1) * frequency / (2 * SIDE)) for x in range(SIDE)]
    for frequency in range(_LOW)
]


def fingerprint(grey: bytes) -> int | None:
    """Of SIDE times SIDE pixels, signed as Postgres's bigint; None for a flat one."""
    mean = sum(grey) / len(grey)
    if sum(abs(pixel - mean) for pixel in grey) / len(grey) < _FLAT:
        return None
    rows = [_transformed(grey[start : start + SIDE]) for start in range(0, len(grey), SIDE)]
    columns = [_transformed([row[frequency] for row in rows]) for frequency in range(_LOW)]
    values = [columns[x][y] for x, y in _LOWEST]
    middle = median(values)
    bits = 0
    for value in values:
        bits = bits << 1 | (value > middle)
    return bits - (1 << 64) if bits >> 63 else bits


def _transformed(values: Sequence[float]) -> list[float]:
    return [sum(map(mul, values, wave)) for wave in _COSINES]
