"""Every form in which an event was ever stored and told, as files; made from the types.

`python -m tests.golden.forms` adds the forms that the code writes now and no file has yet. It
changes and removes none: what was released lies in somebody's log. One that was retired keeps its
file, which then says what it is understood as.
"""

import enum
import hashlib
import json
import types
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Union, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.catalogue import EVENTS, PERSONAL
from domain.retired import RETIRED, upcast
from domain.stream import Event, Recorded
from projections.event_schemas import schemas
from projections.feed import Told
from projections.history import told

FOLDER = Path(__file__).parent
RELEASED = FOLDER / "released.txt"
"""A line for each form: the digest that it had when it was released, and its event."""
SCHEMA = FOLDER / "schema.json"
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
STREAM, ACTOR = UUID(int=1), UUID(int=2)

_PLAIN: dict[Any, Any] = {
    str: "text",
    int: 7,
    float: 0.5,
    bool: True,
    bytes: b"bytes",
    UUID: UUID(int=3),
    datetime: NOW,
    timedelta: timedelta(seconds=60),
}


class Form(msgspec.Struct, frozen=True, kw_only=True, order=True):
    stored: str
    """The fact as msgpack, in hexadecimal digits."""
    personal: str | None
    """The same of what is sealed."""
    read: dict[str, Any]
    """What it says."""
    told: dict[str, Any]
    """How the feed tells it to its owner."""


def examples(name: str) -> list[Event]:
    """With nothing but what it must have, and with everything."""
    return [_example(EVENTS[name], full=full) for full in (False, True)]


def written(event: Event, name: str) -> Form:
    """As the code stores it and tells it now."""
    personal = getattr(event, "personal", None)
    fact = replace(event, personal=None) if personal else event
    return read(
        name,
        msgspec.msgpack.encode(fact).hex(),
        msgspec.msgpack.encode(personal).hex() if personal else None,
    )


def read(name: str, stored: str, personal: str | None) -> Form:
    """A stored form, as the code understands it now. Raises msgspec.ValidationError."""
    event = msgspec.msgpack.decode(bytes.fromhex(stored), type=(EVENTS | RETIRED)[name])
    if personal:
        sealed = msgspec.msgpack.decode(bytes.fromhex(personal), type=PERSONAL[name])
        event = replace(event, personal=sealed)
    event = upcast(event)
    recorded = Recorded(stream_id=STREAM, version=1, at=NOW, by=ACTOR, event=event, position=1)
    entry = told(recorded)
    shown = Told(
        position=1,
        type=entry.type,
        at=NOW,
        stream_id=entry.stream,
        version=1,
        actor=entry.actor,
        data=entry.data,
    )
    return Form(
        stored=stored,
        personal=personal,
        read=json.loads(msgspec.json.encode(event)),
        told=json.loads(msgspec.json.encode(shown)),
    )


def kept(name: str) -> list[Form]:
    file = FOLDER / f"{name}.json"
    return msgspec.json.decode(file.read_bytes(), type=list[Form]) if file.exists() else []


def digest(form: Form) -> str:
    return hashlib.sha256(f"{form.stored} {form.personal}".encode()).hexdigest()


def _example(kind: Any, *, full: bool) -> Any:
    fields = {
        field.name: _value(field.type, full=full)
        for field in msgspec.structs.fields(kind)
        if full or field.required
    }
    return kind(**fields)


def _value(kind: Any, *, full: bool) -> Any:
    kind = getattr(kind, "__supertype__", kind)
    origin, args = get_origin(kind), get_args(kind)
    if kind in _PLAIN:
        return _PLAIN[kind]
    if origin in (Union, types.UnionType):
        some = [it for it in args if it is not type(None)]
        return _value(some[0], full=full) if full or len(some) == len(args) else None
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return list(kind)[: 2 if full else 1][-1]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _example(kind, full=full)
    if origin in (tuple, list, set, frozenset):
        return origin([_value(args[0], full=full)] if full else [])
    if origin in (dict, Mapping) or (origin and issubclass(origin, Mapping)):
        return {_value(args[0], full=full): _value(args[1], full=full)} if full else {}
    raise TypeError(f"no example of {kind}")


def main() -> None:
    for name in EVENTS:
        known = {(it.stored, it.personal): it for it in kept(name)}
        for form in (written(it, name) for it in examples(name)):
            known.setdefault((form.stored, form.personal), form)
        forms = list(known.values())
        (FOLDER / f"{name}.json").write_bytes(
            msgspec.json.format(msgspec.json.encode(forms), indent=1) + b"\n"
        )
        lines = RELEASED.read_text().splitlines() if RELEASED.exists() else []
        lines += [line for it in forms if (line := f"{digest(it)} {name}") not in lines]
        RELEASED.write_text("\n".join(lines) + "\n")
    SCHEMA.write_bytes(msgspec.json.format(msgspec.json.encode(schemas()), indent=1) + b"\n")


if __name__ == "__main__":
    main()
