"""What Schemathesis sends beside what it thinks of: queries, and ids of things that there are."""

import random
from typing import Any

import schemathesis

NASTY = ["", "0", "-1", "101", "9" * 30, "\x00", "\U0001f600", "%", "'", "true", "null", "{}"]
QUERIES: dict[str, list[str]] = {
    **{"limit": ["1", "100"], "page": ["1", "10000"], "cursor": ["WzFd", "12", "x" * 2_000]},
    **{"sort": ["newest", "oldest", "most_viewed", "largest", "title"], "q": ["found", "a*c:&|!"]},
    **{"from": ["2026-01-01", "2026-01-01T00:00:00Z", "5"], "to": ["2100-01-01"], "at": ["7"]},
    **{"status": ["deleted", "ready", "open"], "visibility": ["public"], "format": ["jpeg", "csv"]},
    **{"tag": ["a"], "custom.x": ["y"], "minWidth": ["1"], "groupBy": ["day", "month"]},
    **{"type": ["image", "image.finalized"], "user": ["u_0"], "album": ["alb_0"], "org": ["org_0"]},
    **{"unread": ["true"], "suspended": ["false"], "shared": ["true"], "download": ["1"]},
    **{"share": ["shr_0"], "exp": ["1"], "kid": ["x"], "sig": ["x"], "url": ["http://x/p/img_0"]},
}
PATIENCE = "1"
"""Seconds that a stream of events may last."""

_chosen = random.Random(6)  # noqa: S311 - no secret


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    query = dict(case.query or {})
    if case.method in ("GET", "HEAD"):
        for name in _chosen.sample(sorted(QUERIES), _chosen.choice([0, 0, 1, 2, 4])):
            query[name] = _chosen.choice(QUERIES[name] + NASTY)
    if case.path == "/v1/events":
        query["wait"] = PATIENCE
    case.query = query
