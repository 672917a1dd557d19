"""The audit log over HTTP, for administrators."""

from typing import Any

import msgspec
from litestar import Response, get

from api.asking import Asked
from api.identity import Administrator, AnyRequest
from api.parts import Given
from api.waiting import position
from projections.audit_log import Entry, Filter, actor_of, as_csv, stream_id_of, type_of

MOST = 1_000


@get("/v1/admin/audit", tags=["administration"], summary="Who did what when")
async def entries(request: AnyRequest, administrator: Administrator, parts: Given) -> Response[Any]:
    """In order of position. A page may be short, or empty, before the log is at its end.

    There is no total: it would take a look at every event.
    """
    asked = Asked(request)
    wanted = Filter(
        actor=asked.one("actor", actor_of),
        type=asked.one("type", type_of),
        stream_id=asked.one("stream", stream_id_of),
        since=asked.moment("since"),
    )
    limit, after = asked.number("limit", 100, MOST), asked.one("cursor", position) or 0
    format = asked.one("format", {"json": "json", "csv": "csv"})
    asked.check()
    found, further = await parts.audit_log.page(wanted, after=after, limit=limit)
    following = str(further) if further is not None else None
    if format == "csv":
        headers = {"Darkroom-Next-Cursor": following} if following else {}
        return Response(as_csv(found, header=not after), media_type="text/csv", headers=headers)
    return Response({"entries": [*map(_shown, found)], "limit": limit, "nextCursor": following})


def _shown(entry: Entry) -> dict[str, Any]:
    return msgspec.structs.asdict(entry)
