"""Fingerprints of what was done to a picture, and finding the near ones by their quarters."""

import random
from itertools import combinations

import pytest
import pyvips

from adapters.fingerprints import SIDE, fingerprint
from adapters.likeness import near
from adapters.traits import traits
from projections.likeness import FAR, NEAR


def painted(seed: int, width: int = 640, height: int = 480):
    """A picture like no other."""
    bands = [
        pyvips.Image.perlin(width, height, cell_size=160, seed=seed + band) * 100 + 128
        for band in range(3)
    ]
    return bands[0].bandjoin(bands[1:]).cast("uchar").copy(interpretation="srgb")


def distance(one, other) -> int:
    prints = [traits(b"", None, it).fingerprint for it in (one, other)]
    return bin((prints[0] ^ prints[1]) & (2**64 - 1)).count("1")


CHANGED = {
    "resized": lambda it: it.resize(0.23),
    "enlarged": lambda it: it.resize(1.7),
    "recompressed": lambda it: pyvips.Image.new_from_buffer(it.jpegsave_buffer(Q=25), ""),
    "brightened": lambda it: (it * 1.1).cast("uchar"),
    "grey": lambda it: it.colourspace("b-w"),
    "with alpha": lambda it: it.bandjoin(255),
    "trimmed": lambda it: it.crop(5, 4, it.width - 10, it.height - 8),
}


@pytest.mark.parametrize("change", CHANGED)
def test_what_was_changed_a_little_stays_near(change):
    for seed in (1, 11, 21):
        picture = painted(seed)
        assert distance(picture, CHANGED[change](picture)) <= NEAR


def test_what_is_different_is_far():
    pictures = [painted(seed) for seed in range(0, 200, 10)]

    assert min(distance(*pair) for pair in combinations(pictures, 2)) > NEAR


def test_what_was_turned_is_far():
    assert distance(painted(1), painted(1).rot90()) > NEAR


@pytest.mark.parametrize("grey", [0, 7, 255])
def test_a_flat_picture_has_none(grey):
    assert fingerprint(bytes([grey]) * SIDE * SIDE) is None


def test_it_fits_into_a_signed_number_of_64_bits():
    prints = [traits(b"", None, painted(seed)).fingerprint for seed in range(0, 400, 10)]

    assert all(-(2**63) <= it < 2**63 for it in prints)
    assert min(prints) < 0 < max(prints)


@pytest.mark.parametrize("within", range(FAR + 1))
def test_whatever_is_within_reach_has_a_known_quarter(within):
    chosen = random.Random(within)  # noqa: S311 - no secret
    for _ in range(50):
        mine = chosen.getrandbits(64) - 2**63
        flipped = sum(1 << bit for bit in chosen.sample(range(64), within))
        theirs = mine ^ (flipped - 2**64 if flipped >= 2**63 else flipped)
        shared = [s for s in (48, 32, 16, 0) if theirs >> s & 0xFFFF in near(mine, s, within)]
        assert shared
