"""What Postgres knows of languages: functions for the search index and for what is asked of it.

Every word stands for itself, whatever its language; by setting, also for its other forms.
"""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Literal

DICTIONARIES = {
    **{"ara": "arabic", "hye": "armenian", "eus": "basque", "cat": "catalan", "dan": "danish"},
    **{"nld": "dutch", "eng": "english", "est": "estonian", "fin": "finnish", "fra": "french"},
    **{"deu": "german", "ell": "greek", "hin": "hindi", "hun": "hungarian", "ind": "indonesian"},
    **{"gle": "irish", "ita": "italian", "lit": "lithuanian", "nep": "nepali", "nor": "norwegian"},
    **{"por": "portuguese", "ron": "romanian", "rus": "russian", "srp": "serbian"},
    **{"spa": "spanish", "swe": "swedish", "tam": "tamil", "tur": "turkish", "yid": "yiddish"},
}
"""By ISO 639-3. Others have no forms here, or no dictionary."""

FORM = "plain"
"""How the index writes words down, whatever their language. Another name makes it anew."""
_KNOWN = "select obj_description(to_regproc('searching.lexemes'), 'pg_proc')"


def install(connection: Connection[Any], languages: Sequence[str]) -> bool:
    """Make the functions. Returns whether those that an index was made with were others."""
    names = [DICTIONARIES[it] for it in languages if it in DICTIONARIES]
    row = connection.execute(_KNOWN).fetchone()
    known, wanted = row[0] if row else None, ",".join([FORM, *names])
    if known != wanted:
        dictionaries = [Literal(f"pg_catalog.{name}") for name in names]
        each = {
            "lexemes": [SQL("|| strip(to_tsvector({0}, text))").format(it) for it in dictionaries],
            "forms": [SQL("|| plainto_tsquery({0}, word)").format(it) for it in dictionaries],
            "marks": [_MARKED.format(it) for it in dictionaries],
        }
        parts = {name: SQL(" ").join(part) for name, part in each.items()}
        connection.execute(_FUNCTIONS.format(**parts, languages=Literal(wanted)))
    return known not in (None, wanted)


_OPTIONS = "'StartSel=<mark>, StopSel=</mark>, HighlightAll=true'"
_MARKED = SQL(
    "other := ts_headline({0}, plain, asked, " + _OPTIONS + ");"
    " if length(other) > length(found) then found := other; end if;"
)
_FUNCTIONS = SQL(
    """
-- Other forms stand nowhere: no phrase is made of them, and they rank behind what was written.
create or replace function searching.lexemes(text text) returns tsvector
    immutable parallel safe language sql return to_tsvector('simple', text) {lexemes};
-- Each of `parts` is in the query language of 'simple'; the word beside it, where it is not empty,
-- is found in its other forms, too. All of them must match.
create or replace function searching.asked(parts text[], words text[]) returns tsquery
    immutable parallel safe language plpgsql as $$
declare word text; part tsquery; found tsquery;
begin
    for n in 1 .. cardinality(parts) loop
        word := searching.folded(words[n]);
        part := case when searching.pictures(parts[n]) <> '' then parts[n]::tsquery
            else to_tsquery('simple', searching.folded(parts[n])) {forms} end;
        found := coalesce(found && part, part);
    end loop;
    return coalesce(found, '');
end $$;
-- In whichever language the most words are marked: the longest. Found without accents, marked with.
create or replace function searching.marked(text text, asked tsquery) returns text
    stable parallel safe language plpgsql as $$
declare
    safe text := replace(replace(replace(replace(
        text, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;');
    plain text := searching.folded(safe);
    other text;
    found text;
    said text := '';
    part text;
    inside boolean := false;
    at int := 1;
begin
    if length(plain) <> length(safe) then plain := safe; end if;
    found := ts_headline('simple', plain, asked, """
    + _OPTIONS
    + """);
    {marks}
    if plain = safe then return found; end if;
    foreach part in array regexp_split_to_array(found, '</?mark>') loop
        said := said || format(case when inside then '<mark>%s</mark>' else '%s' end,
            substr(safe, at, length(part)));
        at := at + length(part);
        inside := not inside;
    end loop;
    return said;
end $$;
comment on function searching.lexemes is {languages};
"""
)
