"""Words as Meilisearch is told of them and asked for them, and its marks read back.

Its tokenizer takes Chinese, Japanese, Korean and Thai to pieces by dictionaries, and the same signs
otherwise in a title than in what is typed. So signs are spelt for it, each as a word of its own.
"""

import html
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

from adapters.marking import MARK, signs_marked
from adapters.tsquery import (
    CJK,
    INDOCHINESE,
    PICTURES,
    alone,
    phrases,
    pictures,
    runs,
    units,
    words_of,
)

BEGIN, END = "\ue000", "\ue001"
"""Around what matches, until everything else is escaped."""
_JOINT = "\u2060"
"""Nothing to see; where it stands, a word ends."""
SEPARATORS = sorted({*"$+<=>^`|~\t\x7f\xa0¢£¤¥¦©¬®°±\xd7÷€™", _JOINT})
"""What stands between words, beside the signs that it knows as such."""


def parted(text: str) -> str:
    """To be searched and marked: with a joint wherever signs meet other letters, which its
    tokenizer would make one word of.
    """
    return _MEETING.sub(_JOINT, text.translate({ord(BEGIN): None, ord(END): None}))


def whole(text: str) -> str:
    """What was parted."""
    return text.replace(_JOINT, "")


def signs(texts: Iterable[str]) -> str:
    """All signs in them, spelt; those that do not stand together are sentences apart."""
    return ". ".join(map(_spelt, itertools.chain.from_iterable(map(_runs, texts))))


def asked(text: str) -> str:
    """What is typed, as a query: phrases in quotes, and words, of which the last may go on. Nothing
    that people type is an operator.
    """
    quoted, words = [[it] for it in pictures(text)], list[str]()
    for found, together in phrases(text):
        for one in [found] if together else [[it] for it in found]:
            for alike, run in itertools.groupby(itertools.chain(*map(units, one)), alone):
                (quoted.append if alike or together else words.extend)(list(run))
    return " ".join([*(f'"{_spelt(it)}"' for it in quoted), *words])


def marked(text: str, typed: str) -> str:
    """A text with its marks, as HTML."""
    found = signs_marked(whole(text), typed, (BEGIN, END))
    return html.escape(found).replace(BEGIN, MARK[0]).replace(END, MARK[1])


def _runs(text: str) -> Iterator[list[str]]:
    """Signs that stand together, and every emoji."""
    return itertools.chain(runs(words_of(text)), ([it] for it in pictures(text)))


def _spelt(run: Sequence[str]) -> str:
    """Signs in letters of which no language has rules; other words as they are."""
    return " ".join(_spelling(unit) if _SIGN.match(unit) else unit for unit in run)


def _spelling(unit: str) -> str:
    return _FIRST + "".join(f"{ord(it):05x}" for it in unit).translate(_DIGITS)


_FIRST = "\u10f6"
_DIGITS = str.maketrans("0123456789abcdef", "".join(chr(0x10D0 + it) for it in range(16)))
"""Georgian, the first letter long out of use: nobody's word is spelt so."""
_SIGNS = f"{CJK}{INDOCHINESE}{PICTURES}"
_SIGN = re.compile(f"[{_SIGNS}]")
_MEETING = re.compile(rf"(?<=[{_SIGNS}])(?=[^\s{_SIGNS}])|(?<=[^\s{_SIGNS}])(?=[{_SIGNS}])")
