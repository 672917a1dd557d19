"""What people type into a search box, in Postgres's query language."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
"""Kana, ideographs, Hangul; search.sql has the same."""


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
    """Every word must occur, at least as a beginning; "a phrase" must stand as it is.

    Without parts if there is no word in it: that finds nothing.
    """
    found = list[tuple[str, str]]()
    for words, together in phrases(text):
        if together:
            found.append((_joined([it for word in words for it in _split(word)]), ""))
        else:
            found.extend((_joined(_split(word), ":*"), word) for word in words)
    return Terms([part for part, _ in found], [word for _, word in found])


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
