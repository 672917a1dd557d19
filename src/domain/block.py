"""What nobody may bring: bytes, or how a picture looks. A stream is named by a keyed hash of it."""

from enum import StrEnum
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain.refusals import NotFound
from domain.stream import Event, Personal

NEAR = 6
"""Bits of a fingerprint's 64 that may differ in what was but saved anew or made smaller."""


class Manner(StrEnum):
    EXACT = "exact"
    """These very bytes: refused as they come."""
    PERCEPTUAL = "perceptual"
    """What looks like it, which may be something else: put aside for an administrator to see."""


# Events


class Ground(Personal, frozen=True, kw_only=True):
    reason: str
    fingerprint: int | None = None
    """Of what looks like it. Exact bytes are only known by the stream's id."""


class BlockAdded(Event, frozen=True, kw_only=True, tag="block.added"):
    manner: Manner
    personal: Ground | None


class BlockExplained(Event, frozen=True, kw_only=True, tag="block.explained"):
    """For another reason than before."""

    personal: Ground | None


class BlockLifted(Event, frozen=True, kw_only=True, tag="block.lifted"):
    personal: Ground | None


BlockEvent: TypeAlias = BlockAdded | BlockExplained | BlockLifted

# State


class Block(msgspec.Struct, frozen=True, kw_only=True):
    reason: str
    active: bool = True


def evolve(block: Block | None, event: BlockEvent) -> Block:
    reason = event.personal.reason if event.personal else ""
    if isinstance(event, BlockAdded):
        return Block(reason=reason)
    assert block is not None, "a block's stream opens with BlockAdded"
    match event:
        case BlockExplained():
            return replace(block, reason=reason)
        case BlockLifted():
            return replace(block, reason="", active=False)
        case _:
            assert_never(event)


def active(block: Block | None) -> bool:
    return block is not None and block.active


# Decisions


def add(
    block: Block | None, *, manner: Manner, reason: str, fingerprint: int | None = None
) -> list[BlockEvent]:
    if active(block):
        return []
    return [BlockAdded(manner=manner, personal=Ground(reason=reason, fingerprint=fingerprint))]


def explain(block: Block | None, *, reason: str) -> list[BlockEvent]:
    if block is None or not block.active:
        raise NotFound
    return [] if block.reason == reason else [BlockExplained(personal=Ground(reason=reason))]


def lift(block: Block | None, *, reason: str) -> list[BlockEvent]:
    """What was put aside because of it stays there: it can be released."""
    if block is None:
        raise NotFound
    return [BlockLifted(personal=Ground(reason=reason))] if block.active else []
