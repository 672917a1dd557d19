"""The audit: hashes of events in signed, chained batches, and what they prove of a log."""

import hashlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

_LEAF = struct.Struct(">q32s")
UNHASHED = bytes(32)
"""Stands for the hash of an event that was written past Darkroom."""
START = bytes(32)
"""What the first seal is chained to."""


class Kind(StrEnum):
    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    """Everything from here to the end of what was sealed is gone."""
    SEAL_FORGED = "seal_forged"
    """A seal that this instance's key did not sign, or that does not continue the one before."""
    REWRITTEN = "rewritten"
    """Signed, but not what the checkpoint saw: the whole log was made anew."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    kind: Kind
    position: int
    detail: str


class Stored(msgspec.Struct, frozen=True):
    """An event as it lies in the log now."""

    position: int
    stream_id: UUID
    version: int
    topic: str
    state: bytes
    hash: bytes | None
    """As it was taken at insert."""

    @property
    def true_hash(self) -> bytes:
        envelope = self.stream_id.bytes + self.version.to_bytes(8, "big") + self.topic.encode()
        return hashlib.sha256(envelope + b"\0" + self.state).digest()


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """A batch of events: their positions and hashes, chained to the seal before, and signed."""

    number: int
    last: int
    """The position of its last event."""
    leaves: bytes
    hash: bytes
    signature: bytes

    @property
    def hashes(self) -> dict[int, bytes]:
        return dict(_LEAF.iter_unpack(self.leaves))


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The head of the chain at a moment: kept elsewhere, it betrays a log that was cut short."""

    number: int
    position: int
    hash: str
    signature: str
    public_key: str
    at: datetime


class Signer(Protocol):
    public_key: bytes

    def sign(self, message: bytes) -> bytes: ...

    def signed(self, message: bytes, signature: bytes) -> bool: ...


def seal(previous: Seal | None, hashes: Sequence[tuple[int, bytes]], signer: Signer) -> Seal:
    """The next seal of the chain, over events in the order of their positions."""
    number = previous.number + 1 if previous else 1
    leaves = b"".join(_LEAF.pack(position, hash) for position, hash in hashes)
    digest = chained(previous.hash if previous else START, number, leaves)
    return Seal(
        number=number,
        last=hashes[-1][0],
        leaves=leaves,
        hash=digest,
        signature=signer.sign(digest),
    )


def chained(previous: bytes, number: int, leaves: bytes) -> bytes:
    return hashlib.sha256(previous + number.to_bytes(8, "big") + leaves).digest()


class Audit:
    """Is shown every seal with the events up to it, in order, then the rest of the log."""

    def __init__(self, signer: Signer, checkpoint: Checkpoint | None = None) -> None:
        self._signer = signer
        self._checkpoint = checkpoint
        self._chain = START
        self._number = 0
        self._sealed_to = 0
        self._head = 0
        self._events = _Differences()
        self._seals: list[Finding] = []

    def sealed(self, seal: Seal, events: Sequence[Stored]) -> None:
        """`events`: all that stand behind the seal before, up to this one's last."""
        intact = chained(self._chain, seal.number, seal.leaves) == seal.hash
        signed = self._signer.signed(seal.hash, seal.signature)
        if not (intact and signed and seal.number == self._number + 1):
            detail = f"seal {seal.number} behind seal {self._number}"
            self._seals.append(_finding(Kind.SEAL_FORGED, self._sealed_to + 1, detail))
        self._events.compare(seal.hashes, {event.position: event for event in events})
        self._chain, self._number, self._sealed_to = seal.hash, seal.number, seal.last
        self._look_at_checkpoint(seal)
        self._head = max([self._head, *(event.position for event in events)])

    def unsealed(self, events: Sequence[Stored]) -> None:
        """What came too lately to be sealed: only its own hash can speak for it."""
        own = {event.position: event.hash or UNHASHED for event in events}
        self._events.compare(own, {event.position: event for event in events})
        self._head = max([self._head, *own])

    def findings(self) -> list[Finding]:
        """Of everything that was shown, in order of position."""
        found = self._seals + self._events.findings(self._head, self._sealed_to)
        point = self._checkpoint
        if point and point.number > self._number:
            detail = f"the checkpoint of {point.at:%Y-%m-%d %H:%M} saw position {point.position}"
            found.append(_finding(Kind.TRUNCATED, self._sealed_to + 1, detail))
        return sorted(found, key=lambda it: it.position)

    def _look_at_checkpoint(self, seal: Seal) -> None:
        point = self._checkpoint
        if point and point.number == seal.number and point.hash != seal.hash.hex():
            detail = f"seal {seal.number} is not the one of {point.at:%Y-%m-%d %H:%M}"
            self._seals.append(_finding(Kind.REWRITTEN, seal.last, detail))


class _Differences:
    """Between what was sealed and what is there. What is in the wrong place is neither."""

    def __init__(self) -> None:
        self._wanted: dict[int, bytes] = {}
        self._there: dict[int, tuple[Stored, bytes]] = {}

    def compare(self, sealed: Mapping[int, bytes], events: Mapping[int, Stored]) -> None:
        for position, event in events.items():
            found, wanted = event.true_hash, sealed.get(position)
            if found != wanted:
                self._there[position] = event, found
                if wanted is not None:
                    self._wanted[position] = wanted
        for position in sealed.keys() - events.keys():
            self._wanted[position] = sealed[position]

    def findings(self, head: int, sealed_to: int) -> list[Finding]:
        homes = {hash: position for position, hash in self._wanted.items()}
        moved = {hash for _, hash in self._there.values() if hash in homes}
        found = [
            self._about(position, event, homes.get(hash))
            for position, (event, hash) in self._there.items()
        ]
        gone = sorted(
            position
            for position, hash in self._wanted.items()
            if position not in self._there and hash not in moved
        )
        return found + list(_removed(gone, head, sealed_to))

    def _about(self, position: int, event: Stored, home: int | None) -> Finding:
        what = f"{event.topic} of stream {event.stream_id}, version {event.version}"
        if home is not None:
            return _finding(Kind.REORDERED, position, f"{what}, belongs to position {home}")
        written = self._wanted.get(position, UNHASHED) != UNHASHED
        return _finding(Kind.CHANGED if written else Kind.INSERTED, position, what)


def _removed(gone: Sequence[int], head: int, sealed_to: int) -> Iterator[Finding]:
    """The last of them are a truncation, where nothing stands behind them."""
    cut = [position for position in gone if position > head] if sealed_to > head else []
    for position in gone[: len(gone) - len(cut)]:
        yield _finding(Kind.REMOVED, position, "an event was here")
    if cut:
        yield _finding(Kind.TRUNCATED, cut[0], f"{len(cut)} events up to {sealed_to} are gone")


def _finding(kind: Kind, position: int, detail: str) -> Finding:
    return Finding(kind=kind, position=position, detail=detail)
