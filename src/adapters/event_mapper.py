"""Events as the log stores them: envelope and fact in the clear, what is personal sealed."""

import os
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, Notification, StoredEvent

from adapters.keyring import Keyring
from domain.catalogue import EVENTS, PERSONAL
from domain.ids import NOBODY
from domain.retired import RETIRED, upcast
from domain.stream import Event, Personal, Recorded, tag

NONCE = 12


class _State(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What is stored of an event: envelope and fact in the clear, personal content sealed."""

    at: datetime
    by: UUID | None
    """None is nobody, too."""
    event: msgspec.Raw
    sealed: bytes | None = None
    operation: UUID | None = None
    correlation: UUID | None = None


class EventMapper(Mapper[UUID]):
    """Recorded <-> StoredEvent. The topic is the event's tag, so modules may move.

    `keyring` opens the sealed part; without the stream's key, `personal` reads as None.
    """

    keyring: Keyring

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        recorded = cast("Recorded[Event]", domain_event)
        event = recorded.event
        topic = tag(type(event))
        sealed = None
        personal: Personal | None = getattr(event, "personal", None)
        if personal is not None:
            sealed = self._seal(personal, recorded.stream_id, topic)
            event = msgspec.structs.replace(event, personal=None)
        fact = msgspec.Raw(_encode(event))
        state = _State(
            recorded.at, recorded.by, fact, sealed, recorded.operation, recorded.correlation
        )
        return StoredEvent(recorded.stream_id, recorded.version, topic, _encode(state))

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        return cast("DomainEventProtocol[UUID]", self.recorded(stored_event))

    def recorded(self, stored: StoredEvent) -> Recorded[Any]:
        """The envelope and the fact, with its position if it came from the log by position."""
        return self.opened(*_place(stored), self.keyring.get(cast("UUID", stored.originator_id)))

    def envelope(self, stored: StoredEvent) -> Recorded[Any]:
        """The same with what is personal left closed, whether there is a key or not."""
        return self.opened(*_place(stored), None)

    def opened(
        self,
        position: int | None,
        stream_id: UUID,
        version: int,
        topic: str,
        stored: bytes,
        key: AESGCM | None,
    ) -> Recorded[Any]:
        """The same of what its row holds, with a key that is at hand."""
        state = _STATE.decode(stored)
        event = _EVENTS[topic].decode(state.event)
        if state.sealed is not None and key is not None:
            personal = _open(state.sealed, key, stream_id, topic)
            event = msgspec.structs.replace(event, personal=personal)
        return Recorded(
            stream_id=stream_id,
            version=version,
            at=state.at,
            by=state.by or NOBODY,
            event=upcast(event),
            position=position,
            operation=state.operation,
            correlation=state.correlation,
        )

    def _seal(self, personal: Personal, stream_id: UUID, topic: str) -> bytes:
        key = self.keyring.get(stream_id)
        assert key is not None, "a stream's key is there before its first append"
        nonce = os.urandom(NONCE)
        return nonce + key.encrypt(nonce, _encode(personal), _bound_to(stream_id, topic))


_encode = msgspec.msgpack.Encoder().encode
_STATE = msgspec.msgpack.Decoder(_State)
_EVERY = {**EVENTS, **RETIRED}
_EVENTS = {name: msgspec.msgpack.Decoder(kind) for name, kind in _EVERY.items()}
_PERSONAL = {name: msgspec.msgpack.Decoder(kind) for name, kind in PERSONAL.items()}


def _place(stored: StoredEvent) -> tuple[int | None, UUID, int, str, bytes]:
    position = stored.id if isinstance(stored, Notification) else None
    stream_id = cast("UUID", stored.originator_id)
    return position, stream_id, stored.originator_version, stored.topic, stored.state


def _open(sealed: bytes, key: AESGCM, stream_id: UUID, topic: str) -> Personal:
    try:
        plain = key.decrypt(sealed[:NONCE], sealed[NONCE:], _bound_to(stream_id, topic))
    except InvalidTag as error:
        raise ValueError(f"the sealed part of {topic} in {stream_id} was tampered with") from error
    return _PERSONAL[topic].decode(plain)


def _bound_to(stream_id: UUID, topic: str) -> bytes:
    """Associated data: a sealed part opens only where it was written."""
    return stream_id.bytes + topic.encode()
