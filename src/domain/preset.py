"""An account's presets: transforms by name, for its own images."""

import re
from collections.abc import Mapping
from typing import TypeAlias

from domain import transform
from domain.refusals import NotFound, TooManyPresets, Validation
from domain.stream import Event, Personal

MOST = 100
"""Presets of one account."""
PREFIX = "p_"
"""What stands before a preset's name, in place of operations."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")

# Events


class PresetName(Personal, frozen=True, kw_only=True):
    name: str


class PresetKept(Event, frozen=True, kw_only=True, tag="account.preset-kept"):
    ops: str
    """Canonical."""
    personal: PresetName | None


class PresetDropped(Event, frozen=True, kw_only=True, tag="account.preset-dropped"):
    personal: PresetName | None


PresetEvent: TypeAlias = PresetKept | PresetDropped

# State

Presets: TypeAlias = Mapping[str, str]
"""Operations by name."""


def evolve(presets: Presets, event: PresetEvent) -> Presets:
    if event.personal is None:
        return presets
    named = event.personal.name
    others = {name: ops for name, ops in presets.items() if name != named}
    return others | {named: event.ops} if isinstance(event, PresetKept) else others


# Decisions


def save(presets: Presets, *, name: str, ops: str) -> list[PresetEvent]:
    if not _NAME.fullmatch(name):
        message = "must be up to 40 letters, digits, - and _, and begin with a letter or digit"
        raise Validation.of("name", message)
    canonical = transform.parse(ops).text
    if presets.get(name) == canonical:
        return []
    if name not in presets and len(presets) >= MOST:
        raise TooManyPresets(limit=MOST)
    return [PresetKept(ops=canonical, personal=PresetName(name=name))]


def remove(presets: Presets, *, name: str) -> list[PresetEvent]:
    if name not in presets:
        raise NotFound
    return [PresetDropped(personal=PresetName(name=name))]
