"""Lists that are at hand as a whole, by page or by cursor like all others."""

from collections.abc import Callable, Iterable
from typing import Any

from api.asking import Asked, page_of, paging
from api.identity import AnyRequest
from projections import cursors

Row = dict[str, Any]


def short_list(
    request: AnyRequest,
    name: str,
    rows: Iterable[Row],
    *,
    by: Callable[[Row], str],
    newest: bool = False,
    whole: bool = False,
) -> Row:
    """In the order of `by`, which tells all of them apart, or in the opposite one; of what is
    `whole` all that there are, unless a `limit` is asked for.

    Raises Validation for what is wrong with the query.
    """
    asked = Asked(request)
    asked_for = paging(asked)
    asked.check()
    limit, page, cursor = asked_for["limit"], asked_for["page"], asked_for["cursor"]
    ordered = sorted(rows, key=by, reverse=newest)
    if whole and not asked.text("limit", 1_000):
        limit = max(len(ordered), 1)
    start = (page - 1) * limit
    if cursor:
        last = cursors.read(cursor, str)
        start = sum(by(row) >= last if newest else by(row) <= last for row in ordered)
    shown = ordered[start : start + limit]
    more = start + limit < len(ordered)
    return page_of(
        name,
        shown,
        limit=limit,
        page=page,
        total=len(ordered),
        following=cursors.written(by(shown[-1])) if more else None,
    )
