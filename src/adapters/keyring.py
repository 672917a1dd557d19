"""The keys of streams, that what is personal in them is sealed with."""

import time
from collections import OrderedDict
from collections.abc import Collection
from typing import Protocol
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FRESH = 60.0
"""Seconds that a key is used without asking whether it was destroyed meanwhile."""


class KeyWrap(Protocol):
    """The instance's key, which wraps the keys of streams (RFC 3394)."""

    def wrap(self, key: bytes) -> bytes: ...

    def unwrap(self, wrapped: bytes) -> bytes: ...


class Keyring:
    """Keys of streams: the most recently used, unwrapped, in memory only."""

    def __init__(self, instance: KeyWrap, *, size: int = 20_000) -> None:
        self._instance = instance
        self._size = size
        self._keys: OrderedDict[UUID, AESGCM] = OrderedDict()
        self._since: dict[UUID, float] = {}
        self._provisional: dict[UUID, bytes] = {}

    def get(self, stream_id: UUID) -> AESGCM | None:
        return self._keys.get(stream_id)

    def fresh(self, stream_id: UUID) -> bool:
        """Whether its key is here, and was stored a short while ago."""
        return time.monotonic() - self._since.get(stream_id, -FRESH) < FRESH

    def unwrapped(self, wrapped: bytes) -> AESGCM:
        return AESGCM(self._instance.unwrap(wrapped))

    def learn(self, stream_id: UUID, wrapped: bytes) -> None:
        """Take in the key as it is stored; what was provisional gives way to it."""
        self._provisional.pop(stream_id, None)
        self._since[stream_id] = time.monotonic()
        if stream_id not in self._keys:
            self._keep(stream_id, self.unwrapped(wrapped))

    def provision(self, stream_id: UUID) -> bytes:
        """A key for a stream that does not exist yet, wrapped; the same until it is stored."""
        if stream_id not in self._provisional:
            key = AESGCM.generate_key(256)
            self._provisional[stream_id] = self._instance.wrap(key)
            self._keep(stream_id, AESGCM(key))
        return self._provisional[stream_id]

    def settled(self, stream_id: UUID, *, stored: bool) -> None:
        """The first append of a stream is over: its provisional key is the key, or nothing."""
        self._provisional.pop(stream_id, None)
        if not stored:
            self.forget(stream_id)

    def forget(self, stream_id: UUID) -> None:
        self._keys.pop(stream_id, None)
        self._since.pop(stream_id, None)

    def forget_all(self, stream_ids: Collection[UUID]) -> None:
        for stream_id in stream_ids:
            self.forget(stream_id)

    def _keep(self, stream_id: UUID, key: AESGCM) -> None:
        self._keys[stream_id] = key
        if len(self._keys) > self._size:
            oldest, _ = self._keys.popitem(last=False)
            self._since.pop(oldest, None)
