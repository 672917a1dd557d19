"""What people might type to find something among the images of `darkroom demo seed`, by kind."""

from collections.abc import Callable, Mapping
from random import Random

from commands.demo import TAGS

Text = Callable[[Random], str]

_WORDS = (
    *(
        "lake",
        "sunset",
        "snow",
        "harbour",
        "market",
        "party",
        "friends",
        "blossom",
        "beach",
        "home",
    ),
    *("Sommerurlaub", "See", "Küste", "München", "Straßenfest", "Nebel", "Paris", "Bretagne"),
    *("soleil", "forêt", "wedding", "bridge", "concert", "garden", "night", "walk", "img", "jpg"),
)
"""From those that are in half of all images to those that are in one of a hundred."""
_PHRASES = (
    *("old town", "Cape Cod", "am See", "in den Bergen", "Coucher de soleil", "first snow"),
    *("with friends", "an der Küste", "près du lac", "beach day", "market day", "over the lake"),
)
_TOGETHER = ("京都の", "東京の朝", "夕日", "祭り", "海にて", "雪の写真", "の朝", "京")

KINDS: Mapping[str, Text] = {
    "a word": lambda it: it.choice(_WORDS),
    "two words": lambda it: " ".join(it.sample(_WORDS, 2)),
    "three words": lambda it: " ".join(it.sample(_WORDS, 3)),
    "a beginning": lambda it: it.choice(_WORDS)[: it.randint(1, 4)],
    "a phrase": lambda it: f'"{it.choice(_PHRASES)}"',
    "without spaces": lambda it: it.choice(_TOGETHER),
    "a tag": lambda it: it.choice(TAGS),
    "a file's name": lambda it: f"IMG_{it.randint(0, 9999):04}",
    "what is nowhere": lambda it: f"{it.getrandbits(40):x}",
}
