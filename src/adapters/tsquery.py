"""What people type into a search box, in Postgres's query language."""

import re


def tsquery(text: str) -> str:
    """Every word must occur, at least as a beginning; "a phrase" must stand as it is.

    Empty if there is no word in it: that finds nothing.
    """
    parts = []
    for phrase, word in re.findall(r'"([^"]*)"?|([^\s"]+)', text):
        lexemes = [_quoted(lexeme) for lexeme in re.findall(r"\w+", phrase or word)]
        if phrase and lexemes:
            parts.append("(" + " <-> ".join(lexemes) + ")")
        else:
            parts.extend(f"{lexeme}:*" for lexeme in lexemes)
    return " & ".join(parts)


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\") + "'"
