"""What of the gallery is asked for, as conditions on its rows `i`."""

from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from adapters.drawers import ASKING, DRAWERS, IN_DRAWER, all_of
from adapters.reach import in_reach
from adapters.tsquery import ASKED, terms
from projections.gallery import Query, Sort

FEW, MANY = 2_000, 100_000
"""Matches of words: so few are sorted; of more, enough may be met soon on the way through all
images; of so many, they will be."""
SOON = 5_000
"""Images that are passed on that way before all matches are sorted after all: a word may be at the
other end of the order."""
ALONG = (Sort.NEWEST, Sort.OLDEST, Sort.LARGEST, Sort.TITLE)
"""Orders that have an index."""
_FILTERS = {
    "owner": "i.owner_id = %(owner)s",
    "tags": "i.tags @> %(tags)s::text[]",
    "since": "i.created_at >= %(since)s",
    "until": "i.created_at < %(until)s",
    "format": "i.format = %(format)s",
    "visibility": "i.visibility = %(visibility)s",
    "min_width": "i.width >= %(min_width)s",
    "custom": "i.custom <> '{}' and i.custom @> %(custom)s",
}
"""One condition for each field of a Query that is set."""
_TAKEN = """i.id in (
    select t.id from development.prints t
    where (t.metadata ->> 'taken_at') collate "C" >= %(taken_since)s
    and (t.metadata ->> 'taken_at') collate "C" < %(taken_until)s)"""
"""Compared as the metadata has it: RFC 3339, which is in order."""
_MATCHING = f"select e.id from search.texts e where e.tsv @@ {ASKED}"
MATCHES = f"i.id in ({_MATCHING})"
FEW_MATCHES = f"i.id = any(array({_MATCHING}))"
ARE_FEW = f"""with {ASKING} select count(*) <= {FEW} from (
    select from {DRAWERS} cross join lateral {IN_DRAWER} limit {FEW + 1}) m"""
"""Of what everybody may find, and the viewer's own."""
IS_ONE = f"(select e.tsv @@ {ASKED} from search.texts e where e.id = i.id)"


def few(query: Query, total: int) -> bool:
    """Whether to sort all, because words are in so few."""
    return bool(query.text) and total <= FEW


def along(query: Query, total: int) -> bool:
    """Whether to look for matches on the way through all images, first."""
    return query.worded and total > FEW and query.sort in ALONG


def matching(query: Query, total: int) -> str:
    """Among few matches, or many: what the total tells, and Postgres cannot guess."""
    if total <= FEW or (total <= MANY and query.sort in ALONG):
        return f"i.id = any(array({all_of(query)}))"
    return IS_ONE if query.sort in ALONG else MATCHES


def filters(query: Query) -> list[str]:
    return [condition for field, condition in _FILTERS.items() if getattr(query, field)]


def conditions(query: Query) -> tuple[str, dict[str, Any]]:
    """What the viewer asks for, within what the viewer may list."""
    reach, parameters = in_reach(query)
    where = [reach, *filters(query)]
    parameters |= {field: getattr(query, field) for field in _FILTERS}
    if query.taken_since or query.taken_until:
        where.append(_TAKEN)
        parameters["taken_since"] = msgspec.to_builtins(query.taken_since) or ""
        parameters["taken_until"] = msgspec.to_builtins(query.taken_until) or "~"
    if query.album:
        where.append("i.albums <> '{}' and i.albums ? %(in_album)s")
        parameters |= {"in_album": str(query.album), "arranged": list(query.arranged)}
    parameters |= {"tags": list(query.tags), "custom": Jsonb(dict(query.custom))}
    if query.text:
        parameters |= terms(query.text).parameters
        where.append(MATCHES)
    return " and ".join(where), parameters
