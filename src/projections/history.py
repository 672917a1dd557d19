"""History: what happened to one thing, step by step, and how it was at any moment."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from domain.ids import to_text
from domain.stream import Recorded
from projections.audit_log import Entry, entry

Moment: TypeAlias = int | datetime
"""A position in the log, or a time. What happened at it is part of it."""
Document: TypeAlias = msgspec.Struct | None

_UNTOLD = {
    *("id", "owner_id", "version", "attempt", "shares", "collaborators", "albums", "arranged"),
    *("uploader_id", "members", "teams", "invitations"),
    *("created_at", "updated_at", "at"),
}
"""Of documents: what never changes, or says nothing to people."""
INTERNAL = {"attempt", "owner_id", "request", "address_id"}
PREFIXES = {
    **{"share_id": "shr", "shared_with": "u", "account_id": "u", "uploader_id": "u"},
    **{"album_id": "alb", "parent_id": "alb", "of": "img", "image_id": "img", "image_ids": "img"},
    **{"team_id": "team", "invitation_id": "inv", "to": "org"},
    **{"key_id": "key", "issued_by": "key", "token_id": "upt"},
}
"""Of events: the fields that are ids."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a history, and what it changed: by field, the values before and after."""

    entry: Entry
    changes: dict[str, tuple[Any, Any]]


def moment(text: str) -> Moment:
    """A position, or RFC 3339, in UTC where it names no zone. Raises ValueError."""
    if text.isdecimal() and text.isascii():
        position = int(text)
        if position >= 2**63:
            raise ValueError
        return position
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def until(history: Iterable[Recorded[Any]], at: Moment) -> list[Recorded[Any]]:
    """What had happened by then. The order is that of the stream, whatever clocks say."""
    if isinstance(at, int):
        return [it for it in history if it.position is not None and it.position <= at]
    return [it for it in history if it.at <= at]


def steps(
    project: Callable[[Any, Recorded[Any]], Document], history: Sequence[Recorded[Any]]
) -> list[Step]:
    """`project` is the projection whose documents say what each event changed."""
    story, before = list[Step](), None
    for recorded in history:
        after = project(before, recorded)
        story.append(Step(entry=told(recorded), changes=_changes(before, after)))
        before = after
    return story


def document(
    project: Callable[[Any, Recorded[Any]], Document], history: Iterable[Recorded[Any]]
) -> Any:
    """What the projection made of it by the end; None if there was nothing yet, or no more."""
    made: Document = None
    for recorded in history:
        made = project(made, recorded)
    return made


def told(recorded: Recorded[Any]) -> Entry:
    plain = entry(recorded)
    data = {
        name: _named(PREFIXES[name], getattr(recorded.event, name)) if name in PREFIXES else value
        for name, value in plain.data.items()
        if name not in INTERNAL
    }
    return msgspec.structs.replace(plain, data=data)


def _named(prefix: str, ids: Any) -> Any:
    if isinstance(ids, UUID):
        return to_text(prefix, ids)
    return [to_text(prefix, id) for id in ids] if ids else None


def _changes(before: Document, after: Document) -> dict[str, tuple[Any, Any]]:
    if after is None:
        return {}
    old = _fields(before) if before else {}
    return {
        name: (old.get(name), value)
        for name, value in _fields(after).items()
        if name not in _UNTOLD and old.get(name) != value
    }


def _fields(document: msgspec.Struct) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(document)
    return fields
