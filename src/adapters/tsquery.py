"""What people type into a search box, in Postgres's query language."""

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

CJK = (
    r"\u3005-\u3007\u3041-\u309f\u30a1-\u30fa\u30fc-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uac00-\ud7af\U00020000-\U0003ffff"
)
"""Kana, ideographs, Hangul; search.sql has the same."""
INDOCHINESE = r"\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u1000-\u103f\u1050-\u109f\u1780-\u17d3"
MARKS = (
    r"\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u1056-\u1059"
    r"\u105e-\u1060\u1062-\u1064\u1067-\u106d\u1071-\u1074\u1082-\u108d\u17b4-\u17d3"
)
"""Thai, Lao, Burmese and Khmer, and what stands on their letters; search.sql has the same."""
PICTURES = "\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
"""Emoji, each a word of its own; searching.sql has the same."""
BETWEEN = (
    r"\s\x00-\x2f:-@\[-`{-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf\xd7\xf7\u05be\u060c\u061b\u061f\u0964\u0965"
    r"\u2000-\u206f\u20a0-\u20ff\u2122\u2190-\u22ff\u2400-\u245f\u2500-\u25ff\u2e00-\u2e7f\u3000-\u3004"
    r"\u3008-\u3020\u3030\u30a0\u30fb\ufe00-\ufe0f\ufe30-\ufe6f\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
    r"\U000e0000-\U000e007f"
)
"""What stands between words: punctuation and signs. Beyond ASCII, searching.sql has the same. Not a
category, as `re` knows none: vowels of Hindi or Thai are marks, and belong to their words."""


class Terms(msgspec.Struct, frozen=True):
    """All of them must match: what ASKED takes."""

    parts: Sequence[str]
    """Each in the query language."""
    words: Sequence[str]
    """The word that a part is, to be found in its other forms, too; empty where it is a phrase."""

    @property
    def parameters(self) -> dict[str, Any]:
        return {"parts": list(self.parts), "words": list(self.words)}


ASKED = "searching.asked(%(parts)s::text[], %(words)s::text[])"


def terms(text: str) -> Terms:
    """Every word must occur, at least as a beginning; "a phrase" must stand as it is. An emoji need
    only be there.

    Without parts if there is no word in it: that finds nothing.
    """
    found = [(_joined([picture]), "") for picture in pictures(text)]
    for words, together in phrases(text):
        if together:
            found.append((_joined([it for word in words for it in units(word)]), ""))
        else:
            found.extend((_joined(units(word), ":*"), word) for word in words)
    return Terms([part for part, _ in found], [word for _, word in found])


def phrases(text: str) -> Sequence[tuple[Sequence[str], bool]]:
    """Words, and whether they must stand together; nothing that people type is an operator. Emoji
    are `pictures`.
    """
    found = [
        (words_of(phrase or word), bool(phrase))
        for phrase, word in re.findall(r'"([^"]*)"?|([^\s"]+)', text)
    ]
    return [(words, together) for words, together in found if words]


def words_of(text: str) -> Sequence[str]:
    """Wide, narrow and joined letters are the plain ones."""
    return [unicodedata.normalize("NFKC", word) for word in _WORD.findall(text)]


def pictures(text: str) -> Sequence[str]:
    """Emoji in it, each once."""
    return sorted(set(_PICTURE.findall(text)))


def units(word: str) -> list[str]:
    """Where nobody puts spaces, every character is a word, here as in the index."""
    return _UNIT.findall(word)


def runs(words: Iterable[str]) -> Iterator[list[str]]:
    """Such characters that stand together."""
    found = itertools.chain.from_iterable(map(units, words))
    return (list(run) for signs, run in itertools.groupby(found, alone) if signs)


def alone(unit: str) -> bool:
    """Whether it is a character of those, and not what stands between them."""
    return _ALONE.match(unit) is not None


def _joined(words: Sequence[str], ending: str = "") -> str:
    """One behind the other; the last may go on where the ending says so."""
    return "(" + " <-> ".join(map(_quoted, words)) + ending + ")"


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


_ALONE = re.compile(f"[{CJK}]|[{INDOCHINESE}][{MARKS}]*")
_UNIT = re.compile(f"{_ALONE.pattern}|[^{CJK}{INDOCHINESE}]+")
_PICTURE = re.compile(f"[{PICTURES}]")
_WORD = re.compile(f"[^{BETWEEN}{PICTURES}]+")
