"""What parts words is said twice, once for Python and once for Postgres: they must not differ."""

import re
from pathlib import Path

from adapters import tsquery
from projections import search

BEYOND_ASCII = [chr(it) for it in range(0x80, 0x110000) if not 0xD800 <= it < 0xE000]
OGHAM_SPACE = "\u1680"
"""A space to Python only; Postgres's parser takes it for none, and nobody types it."""


def sql(module, name: str, first: str, last: str) -> str:
    """An expression that stands in the module's SQL, in pieces."""
    text = Path(module.__file__).with_name(name).read_text()
    begin = text.index(first)
    return "".join(re.findall(r"'([^']*)'", text[begin : text.index(last, begin) + len(last)]))


def test_the_same_signs_stand_between_words():
    ours = re.compile(f"[{tsquery.BETWEEN}{tsquery.PICTURES}]")
    theirs = re.compile(sql(tsquery, "searching.sql", r"'[\u007f", "]'"))
    differing = {it for it in BEYOND_ASCII if bool(ours.match(it)) != bool(theirs.match(it))}
    assert differing == {OGHAM_SPACE}


def test_the_same_characters_are_words_by_themselves():
    theirs = sql(search, "search.sql", r"'([\u3005", "*)'")
    assert theirs == f"([{tsquery.CJK}]|[{tsquery.INDOCHINESE}][{tsquery.MARKS}]*)"
