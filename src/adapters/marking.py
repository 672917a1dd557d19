"""Marks around signs that stand together: no engine makes them where nobody puts spaces."""

import re

from adapters.tsquery import phrases, runs

MARK = ("<mark>", "</mark>")


def signs_marked(text: str, typed: str, marks: tuple[str, str] = MARK) -> str:
    """A text in which other words are marked already."""
    wanted = {"".join(run) for words, _ in phrases(typed) for run in runs(words)}
    if not wanted:
        return text
    begin, end = marks
    found = "|".join(map(re.escape, sorted(wanted, key=len, reverse=True)))
    return re.sub(
        f"{begin}.*?{end}|({found})",
        lambda it: f"{begin}{it[1]}{end}" if it[1] else it[0],
        text,
        flags=re.DOTALL,
    )
