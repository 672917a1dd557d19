"""What an account or an organization used in a month, hour by hour: what bills are made from.

One stream for each owner and month. Nothing in it is personal: it stays when its owner is erased.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias, assert_never
from uuid import UUID, uuid5

import msgspec
from msgspec.structs import replace

from domain.ids import AccountId
from domain.stream import Event

_NAMESPACE = UUID("b6a6a1a0-7f0c-5c0e-9a5e-6f1f5a1c2d3e")


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Figures add up: those of a day are the sum of its hours, to the byte."""

    storage_byte_seconds: int = 0
    """Bytes of originals, each for as many whole seconds as it was kept."""
    uploads: int = 0
    views: int = 0
    downloads: int = 0
    egress_bytes: int = 0
    transforms: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(**{it: getattr(self, it) + getattr(other, it) for it in FIELDS})

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(**{it: getattr(self, it) - getattr(other, it) for it in FIELDS})


FIELDS = Usage.__struct_fields__
NONE = Usage()


# Events


class StatementOpened(Event, frozen=True, kw_only=True, tag="statement.opened"):
    owner_id: AccountId
    organization: bool
    """What the owner is; else an account."""
    month: str
    """Like 2026-11, in UTC."""


class UsageMetered(Event, frozen=True, kw_only=True, tag="statement.usage-metered"):
    """Of one hour of the month; what is metered of it later comes on top."""

    hour: datetime
    usage: Usage


class UsageCorrected(Event, frozen=True, kw_only=True, tag="statement.usage-corrected"):
    """What came to light of an hour of an earlier month after that month was closed."""

    hour: datetime
    usage: Usage


class StatementClosed(Event, frozen=True, kw_only=True, tag="statement.closed"):
    """Nothing is added to it any more."""


StatementEvent: TypeAlias = StatementOpened | UsageMetered | UsageCorrected | StatementClosed

# State


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    month: str
    hours: Mapping[datetime, Usage] = {}
    corrected: Mapping[datetime, Usage] = {}
    closed: bool = False


def statement_id(owner_id: AccountId, month: str) -> UUID:
    """The same for everybody: two that meter at once write to one stream, and one of them first."""
    return uuid5(_NAMESPACE, f"{owner_id.hex} {month}")


def month_of(hour: datetime) -> str:
    return f"{hour:%Y-%m}"


def evolve(statement: Statement | None, event: StatementEvent) -> Statement:
    if isinstance(event, StatementOpened):
        return Statement(month=event.month)
    assert statement is not None, "a statement stream opens with StatementOpened"
    match event:
        case UsageMetered(hour=hour, usage=usage):
            return replace(statement, hours=_more(statement.hours, hour, usage))
        case UsageCorrected(hour=hour, usage=usage):
            return replace(statement, corrected=_more(statement.corrected, hour, usage))
        case StatementClosed():
            return replace(statement, closed=True)
        case _:
            assert_never(event)


# Decisions


def meter(
    statement: Statement | None,
    past: Statement | None,
    *,
    opening: StatementOpened,
    hour: datetime,
    usage: Usage,
) -> list[StatementEvent]:
    """Note what was used in an hour, if it is not known yet: `usage` is all of it.

    `past` is the statement of the hour's month where that is closed, and `statement` then a later
    one, which takes what is missing there.
    """
    assert statement is None or not statement.closed, "of a closed one, its successor is asked"
    noted = statement or Statement(month=opening.month)
    known = noted.hours.get(hour, NONE)
    if past is not None:
        known = past.hours.get(hour, NONE) + noted.corrected.get(hour, NONE)
    if (more := usage - known) == NONE:
        return []
    kind = UsageMetered if past is None else UsageCorrected
    opened: list[StatementEvent] = [opening] if statement is None else []
    return [*opened, kind(hour=hour, usage=more)]


def close(statement: Statement | None) -> list[StatementEvent]:
    return [StatementClosed()] if statement and not statement.closed else []


def _more(
    hours: Mapping[datetime, Usage], hour: datetime, usage: Usage
) -> Mapping[datetime, Usage]:
    return {**hours, hour: hours.get(hour, NONE) + usage}
