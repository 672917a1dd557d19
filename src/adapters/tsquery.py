"""What people type into a search box, in Postgres's query language."""

import re
from collections.abc import Sequence

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
"""Kana, ideographs, Hangul; search.sql has the same."""


def tsquery(text: str) -> str:
    """Every word must occur, at least as a beginning; "a phrase" must stand as it is.

    Empty if there is no word in it: that finds nothing.
    """
    parts = []
    for words, together in phrases(text):
        if together:
            parts.append(_joined([it for word in words for it in _split(word)]))
        else:
            parts.extend(_joined(_split(word), ":*") for word in words)
    return " & ".join(parts)


def phrases(text: str) -> Sequence[tuple[Sequence[str], bool]]:
    """Words, and whether they must stand together; nothing that people type is an operator."""
    found = [
        (re.findall(r"[^\W_]+", phrase or word), bool(phrase))
        for phrase, word in re.findall(r'"([^"]*)"?|([^\s"]+)', text)
    ]
    return [(words, together) for words, together in found if words]


def _split(word: str) -> list[str]:
    """Where nobody puts spaces, every character is a word, here as in the index."""
    return re.findall(f"[{CJK}]|[^{CJK}]+", word)


def _joined(words: Sequence[str], ending: str = "") -> str:
    """One behind the other; the last may go on where the ending says so."""
    return "(" + " <-> ".join(map(_quoted, words)) + ending + ")"


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\") + "'"
