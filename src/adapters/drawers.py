"""What has words, found drawer by drawer as search.sql files it: the newest first."""

from adapters.reach import lent
from adapters.tsquery import ASKED
from projections.gallery import Query

ASKING = f"""asked as materialized (
    select query, searching.of_drawer(query, %(me)s) as words from (values ({ASKED})) a (query))"""
"""What is asked, and how of a drawer; the first of a statement's tables."""
DRAWERS = """asked cross join search.position last
    cross join generate_series(last.position >> 15, 0, -1) drawer"""
IN_DRAWER = """(
    select * from search.texts t
    where search.filed(t.tsv, t.listed, t.owner_id, t.arrival)
        @@ replace(words, '~', to_hex(drawer))::tsquery
    offset 0) e"""
"""Whatever Postgres thinks, by nothing but the index of what is in it: all that has a common word
is more."""
MATCHES = """e.tsv @@ query and (e.listed
    or e.owner_id = %(me)s and not e.barred && '{upload,deletion}')"""
_LENT = """asked cross join gallery.images i cross join lateral (
    select * from search.texts e where e.id = i.id and not e.listed offset 0) e
    where {0} and e.tsv @@ query"""
_ALL = f"""with {ASKING}
    select e.id from {DRAWERS} cross join lateral {IN_DRAWER}
    where {MATCHES.replace("{", "{{").replace("}", "}}")}
    union all select e.id from {{lent}}"""


def also_lent(query: Query) -> str:
    """What is in others' drawers, by its id: from what, and where."""
    return _LENT.format(lent(query))


def all_of(query: Query) -> str:
    """The ids of all that the viewer may find."""
    return _ALL.format(lent=also_lent(query))
