"""Reports of usage, for bills: by day or month, for oneself, for all to administrators."""

import csv
import io
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from litestar import Response, get

from api.asking import Asked
from api.identity import AnyRequest, Bearing, administrates
from api.negotiation import accepted
from api.parts import Given, Parts
from commands.credentials import Bearer
from domain import transfer
from domain.ids import AccountId, to_text
from domain.refusals import Forbidden, Validation
from projections.metering import Line

LONGEST = timedelta(days=400)
_HOUR = 3_600


class Row(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    period: str
    owner_id: str
    storage_byte_hours: int
    """Of originals: what is made of them is in the quota, but in no event, so in no bill. Rounded;
    the seconds are exact, and what sums are made of."""
    storage_byte_seconds: int
    uploads: int
    views: int
    downloads: int
    egress_bytes: int
    transforms: int
    corrects: str | None = None
    """The closed month that this was missing in."""
    provisional: bool = False
    """Not metered yet: it may change until its hour is over."""


@get("/v1/reports/usage", tags=["reports"], summary="Storage, uploads, views, downloads, egress")
async def usage(request: AnyRequest, bearer: Bearing, parts: Given) -> Response[Any]:
    """Of `from` to before `to` (this month), `groupBy` day or month, of `user` or `org`; as JSON,
    or with `format=csv` or `Accept: text/csv` as CSV.

    One's own, and that of organizations that one governs; administrators see everybody's.
    """
    asked, now = Asked(request), parts.clock()
    since = asked.moment("from") or transfer.begin_of(now)
    until = asked.moment("to") or now + timedelta(hours=1)
    by_day = asked.one("groupBy", {"day": True, "month": False}) is not False
    format = asked.one("format", {"json": "json", "csv": "csv"})
    owner = asked.owner()
    asked.check()
    if not since <= until <= since + LONGEST:
        message = f"must not be before from, nor {LONGEST.days} days behind it"
        raise Validation.of("to", message)
    owners = await _visible(parts, bearer, owner)
    lines = await parts.reports.usage(since, until, by_day=by_day, owners=owners)
    rows = [_row(it) for it in lines]
    if since <= now < until:
        period = f"{now:%Y-%m-%d}" if by_day else f"{now:%Y-%m}"
        for due in await parts.reports.unmetered(now, owners=owners):
            line = Line(period=period, owner=due.owner, usage=due.usage)
            rows.append(msgspec.structs.replace(_row(line), provisional=True))
    likes = accepted(request.headers.get("Accept", ""))
    if format == "csv" or (format is None and "text/csv" in likes):
        headers = {"Content-Disposition": 'attachment; filename="usage.csv"'}
        return Response(_csv(rows), media_type="text/csv", headers=headers)
    grouped = "day" if by_day else "month"
    return Response({"from": since, "to": until, "groupBy": grouped, "lines": rows})


async def _visible(
    parts: Parts, bearer: Bearer, asked: AccountId | None
) -> Collection[AccountId] | None:
    """Whose usage the caller may see, of what was asked for. Raises Forbidden."""
    if await administrates(parts, bearer):
        return [asked] if asked else None
    caller = bearer.account_id
    governed = [
        AccountId(card.id)
        for card in await parts.organizations.joined(caller)
        if caller in card.state.stewards
    ]
    own = [caller, *governed]
    if asked and asked not in own:
        raise Forbidden
    return [asked] if asked else own


def _row(line: Line) -> Row:
    usage = line.usage
    return Row(
        period=line.period,
        owner_id=to_text("org" if line.owner.organization else "u", line.owner.id),
        storage_byte_hours=(usage.storage_byte_seconds + _HOUR // 2) // _HOUR,
        corrects=line.corrects,
        **msgspec.structs.asdict(usage),
    )


def _csv(rows: Sequence[Row]) -> str:
    """RFC 4180, with the names that the JSON has."""
    out = io.StringIO()
    fields = [field.encode_name for field in msgspec.structs.fields(Row)]
    writer = csv.DictWriter(out, fields)
    writer.writeheader()
    for row in rows:
        told = msgspec.to_builtins(row)
        writer.writerow(told | {"provisional": str(row.provisional).lower()})
    return out.getvalue()
