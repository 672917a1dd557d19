"""NATS JetStream as a cache of the log: names, messages, the stream itself."""

import asyncio
import json
import zlib
from collections.abc import Sequence
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import msgspec
import nats
from eventsourcing.persistence import Notification
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RawStreamMsg, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

PARTITIONS = 16
MAX_AGE = 7 * 86_400.0
REQUEST_TIMEOUT = 5.0
UNUSED = 3_600.0
"""Seconds after which NATS forgets a consumer of ours that nobody asks at any more."""

GONE = (nats.errors.Error, TimeoutError, ConnectionError, OSError)
"""What a lost or restarting NATS looks like."""


class Names(msgspec.Struct, frozen=True):
    """How one installation calls its stream and subjects."""

    namespace: str

    @property
    def stream(self) -> str:
        return f"{self.namespace}-log"

    @property
    def subjects(self) -> str:
        return f"{self.namespace}.log.>"

    @property
    def public_stream(self) -> str:
        return f"{self.namespace}-public"

    @property
    def public_subjects(self) -> str:
        return f"{self.namespace}.events.v1.>"

    def public_subject(self, type: str) -> str:
        """`darkroom.events.v1.image.finalized`: for whoever connects, and part of the contract."""
        return f"{self.namespace}.events.v1.{type}"

    def subject(self, event: Notification) -> str:
        """`darkroom.log.7.image.finalized`: streams keep their order inside their partition."""
        partition = zlib.crc32(_uuid(event).bytes) % PARTITIONS
        return f"{self.namespace}.log.{partition}.{event.topic}"

    @property
    def positions(self) -> str:
        """Where it is announced how far projections have come."""
        return f"{self.namespace}.positions"


class Refused(Exception):
    """The stream is not where we thought: another relay wrote, or it lost messages."""


async def connect(url: str) -> Client:
    """A connection that comes back by itself, for ever."""
    return await nats.connect(
        url,
        allow_reconnect=True,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.1,
        connect_timeout=2,
        error_cb=_silent,
    )


async def _silent(_: Exception) -> None:
    """Connection errors show in health and lag; nats-py would print each."""


async def ensure_stream(js: JetStreamContext, names: Names, *, replicas: int = 1) -> None:
    """Create the stream if it is not there: after a wipe, too."""
    try:
        info = await js.stream_info(names.stream)
        if not info.config.deny_delete:
            return
        await js.delete_stream(names.stream)  # of an older release: nothing could be erased in it
        raise NotFoundError
    except NotFoundError:
        await js.add_stream(_stream(names.stream, names.subjects, replicas))


async def ensure_public_stream(js: JetStreamContext, names: Names, *, replicas: int = 1) -> None:
    """The same for what is told to everybody."""
    try:
        await js.stream_info(names.public_stream)
    except NotFoundError:
        await js.add_stream(_stream(names.public_stream, names.public_subjects, replicas))


async def let_unused_go(js: JetStreamContext, names: Names) -> None:
    """Durable consumers of the log are those of older releases. A process of such a release that
    still runs goes on with its own."""
    for consumer in await js.consumers_info(names.stream):
        if consumer.config.durable_name and not consumer.config.inactive_threshold:
            await js.add_consumer(names.stream, consumer.config, inactive_threshold=UNUSED)


def _stream(name: str, subjects: str, replicas: int) -> StreamConfig:
    return StreamConfig(
        name=name,
        subjects=[subjects],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.OLD,
        max_age=MAX_AGE,
        duplicate_window=120.0,
        num_replicas=replicas,
        allow_atomic=True,
        allow_direct=True,
    )


async def cursor(js: JetStreamContext, names: Names) -> tuple[int | None, int]:
    """Position and sequence of the stream's last message; (None, sequence) if it is empty."""
    last, sequence = await _last(js, names.stream, names.subjects)
    return (int(last["Es-Pos"]) if last else None), sequence


async def public_cursor(js: JetStreamContext, names: Names) -> tuple[int | None, int]:
    last, sequence = await _last(js, names.public_stream, names.public_subjects)
    return (int(last["Nats-Msg-Id"]) if last else None), sequence


async def _last(
    js: JetStreamContext, stream: str, subjects: str
) -> tuple[dict[str, str] | None, int]:
    try:
        last = await js.get_last_msg(stream, subjects, direct=True)
    except NotFoundError:
        info = await js.stream_info(stream)
        return None, info.state.last_seq
    assert last.headers
    return last.headers, last.seq or 0


async def erase(
    js: JetStreamContext, names: Names, positions: Sequence[int], *, upto: int
) -> int | None:
    """Overwrite the events at these positions where the stream keeps them; how many that were.

    None if the relay has not published `upto` yet. What stands at the stream's end is the relay's
    cursor, and never among them.
    """
    last, _ = await cursor(js, names)
    if (last or 0) < upto:
        return None
    state, count = (await js.stream_info(names.stream)).state, 0
    for position in positions:
        message = await _first_from(js, names, position, state.first_seq, state.last_seq)
        if message and message.headers and int(message.headers["Es-Pos"]) == position:
            assert message.seq is not None
            count += await js.delete_msg(names.stream, message.seq)
    return count


async def _first_from(
    js: JetStreamContext, names: Names, position: int, low: int, high: int
) -> RawStreamMsg | None:
    """The first message at `position` or behind it: positions grow with sequences."""
    found = None
    while low <= high:
        middle = (low + high) // 2
        try:
            message = await js.get_msg(
                names.stream, middle, subject=names.subjects, direct=True, next=True
            )
        except NotFoundError:
            high = middle - 1
            continue
        assert message.headers
        assert message.seq is not None
        if int(message.headers["Es-Pos"]) < position:
            low = message.seq + 1
        else:
            found, high = message, middle - 1
    return found


Message: TypeAlias = tuple[str, bytes, dict[str, str]]
"""Subject, body, headers."""


async def publish(
    nc: Client, names: Names, events: Sequence[Notification], *, previous: int, sequence: int
) -> int:
    """All events behind `sequence`, each with the position of the one before: see publish_all."""
    messages = list[Message]()
    for event in events:
        messages.append((names.subject(event), event.state, _headers(event, previous)))
        previous = event.id
    return await publish_all(nc, messages, sequence=sequence)


async def publish_all(nc: Client, messages: Sequence[Message], *, sequence: int) -> int:
    """All messages behind `sequence` in one atomic batch, or none. Returns the last sequence.

    nats-py has no batches; they are plain headers (ADR-50). At most 1,000 messages.
    Raises Refused if the stream does not end at `sequence`.
    """
    batch, answer = uuid4().hex, None
    for number, (subject, body, headers) in enumerate(messages, start=1):
        last = number == len(messages)
        if number == 1:
            headers["Nats-Expected-Last-Sequence"] = str(sequence)
        if len(messages) > 1:
            headers |= {"Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number)}
            if last:
                headers["Nats-Batch-Commit"] = "1"
        if number == 1 or last:
            answer = await nc.request(subject, body, headers=headers, timeout=REQUEST_TIMEOUT)
            _raise_refusal(answer)
        else:
            await nc.publish(subject, body, headers=headers)
    assert answer is not None
    return int(json.loads(answer.data)["seq"])


def heed_cancellation() -> None:
    """Raise a CancelledError that got lost: nats-py waits with `asyncio.wait_for`, which until
    Python 3.12 drops a cancellation that meets an answer (cpython gh-86296).
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def received(message: Msg) -> tuple[Notification, int]:
    """The event in a message, and the position of the one before it in the log."""
    headers = message.headers or {}
    event = Notification(
        id=int(headers["Es-Pos"]),
        originator_id=UUID(headers["Es-Id"]),
        originator_version=int(headers["Es-Ver"]),
        topic=headers["Es-Topic"],
        state=message.data,
    )
    return event, int(headers["Es-Prev"])


def _headers(event: Notification, previous: int) -> dict[str, str]:
    return {
        "Nats-Msg-Id": str(event.id),
        "Es-Pos": str(event.id),
        "Es-Prev": str(previous),
        "Es-Id": str(event.originator_id),
        "Es-Ver": str(event.originator_version),
        "Es-Topic": event.topic,
    }


def _raise_refusal(answer: Msg) -> None:
    if answer.data and (error := json.loads(answer.data).get("error")):
        raise Refused(error.get("description", "refused"))


def _uuid(event: Notification) -> UUID:
    id: Any = event.originator_id
    assert isinstance(id, UUID)
    return id
