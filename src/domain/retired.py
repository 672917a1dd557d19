"""Events as they were stored once: read for ever, written no more, understood as newer ones."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from domain.preset import PresetDropped, PresetKept, PresetName
from domain.stream import Event, tag
from domain.webhook import TurnedBack


class WebhookRewound(Event, frozen=True, kw_only=True, tag="webhook.rewound"):
    """Said with which position to begin, where all else says behind which."""

    position: int
    request: UUID


class PresetSaved(Event, frozen=True, kw_only=True, tag="account.preset-saved"):
    """Had its name in the clear, which outlived its account."""

    name: str
    ops: str


class PresetRemoved(Event, frozen=True, kw_only=True, tag="account.preset-removed"):
    name: str


def _kept(event: PresetSaved) -> PresetKept:
    return PresetKept(ops=event.ops, personal=PresetName(name=event.name))


def _dropped(event: PresetRemoved) -> PresetDropped:
    return PresetDropped(personal=PresetName(name=event.name))


def _turned_back(event: WebhookRewound) -> TurnedBack:
    return TurnedBack(after=event.position - 1, request=event.request)


_NEWER: Mapping[type[Event], tuple[Callable[[Any], Event], type[Event]]] = {
    WebhookRewound: (_turned_back, TurnedBack),
    PresetSaved: (_kept, PresetKept),
    PresetRemoved: (_dropped, PresetDropped),
}
RETIRED: Mapping[str, type[Event]] = {tag(kind): kind for kind in _NEWER}
"""By the tag they are stored under; no other event ever has it again."""


def upcast(event: Event) -> Event:
    """What it says, as it is said now."""
    newer = _NEWER.get(type(event))
    return upcast(newer[0](event)) if newer else event


def stored_as(type: str) -> list[str]:
    """Every tag that an event of this type may lie in the log under."""
    older = [tag(kind) for kind, (_, newer) in _NEWER.items() if tag(newer) == type]
    return [type, *(name for it in older for name in stored_as(it))]
