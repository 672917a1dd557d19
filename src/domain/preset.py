"""An account's presets: transforms by name, for its own images."""

import re
from collections.abc import Mapping
from typing import TypeAlias

from domain import transform
from domain.refusals import NotFound, TooManyPresets, Validation
from domain.stream import Event

MOST = 100
"""Presets of one account."""
PREFIX = "p_"
"""What stands before a preset's name, in place of operations."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")

# Events


class PresetSaved(Event, frozen=True, kw_only=True, tag="account.preset-saved"):
    name: str
    ops: str
    """Canonical."""


class PresetRemoved(Event, frozen=True, kw_only=True, tag="account.preset-removed"):
    name: str


PresetEvent: TypeAlias = PresetSaved | PresetRemoved

# State

Presets: TypeAlias = Mapping[str, str]
"""Operations by name."""


def evolve(presets: Presets, event: PresetEvent) -> Presets:
    others = {name: ops for name, ops in presets.items() if name != event.name}
    return others | {event.name: event.ops} if isinstance(event, PresetSaved) else others


# Decisions


def save(presets: Presets, *, name: str, ops: str) -> list[PresetEvent]:
    if not _NAME.fullmatch(name):
        message = "must be up to 40 letters, digits, - and _, and begin with a letter or digit"
        raise Validation(errors=[{"field": "name", "message": message}])
    canonical = transform.parse(ops).text
    if presets.get(name) == canonical:
        return []
    if name not in presets and len(presets) >= MOST:
        raise TooManyPresets(limit=MOST)
    return [PresetSaved(name=name, ops=canonical)]


def remove(presets: Presets, *, name: str) -> list[PresetEvent]:
    if name not in presets:
        raise NotFound
    return [PresetRemoved(name=name)]
