"""What every stream shares: events, the envelope they are recorded in, and the fold."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import reduce
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

S = TypeVar("S")
E = TypeVar("E", bound="Event")


class Personal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Content that may point at a person. Stored sealed under its stream's own key."""


class Event(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True, gc=False
):
    """A fact, named in the past tense. Once released it only ever gains defaulted fields.

    An event that carries personal content declares one field, `personal`, of its own `Personal`
    type or None: None is what is read after the stream's key was destroyed.
    """


def tag(kind: type[Event]) -> str:
    """The name an event is stored and announced under; independent of its module."""
    return str(kind.__struct_config__.tag)


class Recorded(msgspec.Struct, Generic[E], frozen=True, kw_only=True, gc=False):
    """An event with its place in a stream, the moment, and the actor."""

    stream_id: UUID
    version: int
    at: datetime
    by: UUID
    event: E
    position: int | None = None
    """Its place in the whole log; None until it is stored."""
    operation: UUID | None = None
    """The act upon many that it is a part of."""
    correlation: UUID | None = None
    """The request that it came of; None for what Darkroom did by itself."""

    # The two names eventsourcing's DomainEventProtocol asks for.
    @property
    def originator_id(self) -> UUID:
        return self.stream_id

    @property
    def originator_version(self) -> int:
        return self.version


def said(part: msgspec.Struct | None) -> dict[str, Any]:
    """The fields in which it says something: None leaves one as it was."""
    fields = msgspec.structs.asdict(part) if part else {}
    return {name: value for name, value in fields.items() if value is not None}


def news(part: msgspec.Struct, known: msgspec.Struct) -> dict[str, Any]:
    """Of what it says, what is not as `known` has it already."""
    return {name: value for name, value in said(part).items() if value != getattr(known, name)}


def fold(
    evolve: Callable[[S | None, Any], S], history: Iterable[Recorded[Any]], start: S | None = None
) -> S | None:
    """The state that a history leads to; None if nothing happened yet."""
    return reduce(lambda state, recorded: evolve(state, recorded.event), history, start)
