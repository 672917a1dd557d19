"""Who did what when: the envelopes of the log, and what events say in the clear."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec

from domain.catalogue import EVENTS, stream_of
from domain.ids import NOBODY, from_text, to_text
from domain.stream import Recorded, tag

PREFIXES = {
    "image": "img",
    "account": "u",
    "album": "alb",
    "operation": "op",
    "organization": "org",
    "report": "rep",
    "block": "blk",
    "webhook": "whk",
}
"""How streams are called outside; the others are plain UUIDs."""


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Everything given must match."""

    actor: UUID | None = None
    type: str | None = None
    """A whole type, like `image.purged`, or a stream's, like `image`."""
    stream_id: UUID | None = None
    since: datetime | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    position: int
    at: datetime
    actor: str
    """An account, or `darkroom` for what it did by itself."""
    type: str
    stream: str
    version: int
    operation: str | None
    """The act upon many that it was a part of."""
    request: str | None
    """The id of the request that it came of, as its answer and the log of the service had it."""
    data: dict[str, Any]


class AuditLog(Protocol):
    async def page(
        self, asked: Filter, *, after: int, limit: int
    ) -> tuple[Sequence[Entry], int | None]:
        """What matches behind position `after`, in order, and where to go on.

        A look through a long log ends early: a page may hold less than asked for, even nothing.
        None where the log is at its end.
        """
        ...


def entry(recorded: Recorded[Any]) -> Entry:
    assert recorded.position is not None
    data = msgspec.to_builtins(recorded.event)
    name = tag(type(recorded.event))
    prefix = PREFIXES.get(stream_of(name))
    return Entry(
        position=recorded.position,
        at=recorded.at,
        actor="darkroom" if recorded.by == NOBODY else to_text("u", recorded.by),
        type=name,
        stream=to_text(prefix, recorded.stream_id) if prefix else str(recorded.stream_id),
        version=recorded.version,
        operation=to_text("op", recorded.operation) if recorded.operation else None,
        request=recorded.correlation.hex if recorded.correlation else None,
        data={key: value for key, value in data.items() if key not in ("type", "personal")},
    )


def actor_of(text: str) -> UUID:
    """The actor that a filter names. Raises ValueError."""
    return NOBODY if text == "darkroom" else stream_id_of(text)


def stream_id_of(text: str) -> UUID:
    """Raises ValueError."""
    known = (from_text(prefix, text) for prefix in (*PREFIXES.values(), "upl"))
    return next((id for id in known if id), None) or UUID(text)


def type_of(text: str) -> str:
    """A type, or a stream's. Raises ValueError for what no event is called."""
    if not any(text in (name, stream_of(name)) for name in EVENTS):
        raise ValueError
    return text


def as_csv(entries: Sequence[Entry], *, header: bool) -> str:
    """RFC 4180; the data as JSON in the last column."""
    out = io.StringIO()
    writer = csv.writer(out)
    if header:
        writer.writerow(Entry.__struct_fields__)
    for it in entries:
        data = json.dumps(it.data, sort_keys=True)
        moment = it.at.isoformat().replace("+00:00", "Z")
        who = (it.position, moment, it.actor)
        what = (it.type, it.stream, it.version, it.operation, it.request, data)
        writer.writerow(who + what)
    return out.getvalue()
