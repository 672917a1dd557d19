"""What makes two bodies the same: a digest taken while they stream by, whatever their size."""

import hashlib
from collections import deque

from litestar.types import Receive, ReceiveMessage
from python_multipart.multipart import parse_options_header

from commands.idempotency import Records, Turn

READ_AHEAD = 64 * 1024
"""Bytes of a body that are read before its record is begun; longer ones are digested in passing."""


class Fingerprint:
    """SHA-256 over type and body; of a form, over all but its boundary, which no retry repeats."""

    def __init__(self, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        self._boundary = options.get(b"boundary", b"") if kind.startswith(b"multipart/") else b""
        self._tail = b""
        self._hash = hashlib.sha256(kind + b"\0")

    def update(self, chunk: bytes) -> None:
        if not self._boundary:
            self._hash.update(chunk)
            return
        *before, rest = (self._tail + chunk).split(self._boundary)
        for piece in before:
            self._hash.update(piece)
            self._hash.update(b"\0")
        hold = len(self._boundary) - 1  # what may be the beginning of one
        cut = max(len(rest) - hold, 0)
        self._hash.update(rest[:cut])
        self._tail = rest[cut:]

    def digest(self) -> bytes:
        self._hash.update(self._tail)
        self._tail = b""
        return self._hash.digest()


class DigestedBody:
    """The request's body on its way to the handler, digested as it passes.

    No handler acts before it has read the whole body, so a key that was used with another body
    is noticed at its last chunk at the latest.
    """

    def __init__(self, receive: Receive, content_type: str, records: Records) -> None:
        self._receive = receive
        self._records = records
        self._fingerprint = Fingerprint(content_type)
        self._ahead: deque[ReceiveMessage] = deque()
        self._turn: Turn | None = None
        self.digest: bytes | None = None
        """Once the whole body was read."""
        self.bound = False

    async def read_ahead(self) -> None:
        size = 0
        while self.digest is None and size < READ_AHEAD:
            message = await self._read()
            self._ahead.append(message)
            if message["type"] != "http.request":
                return
            size += len(message["body"])

    async def begin(self, turn: Turn) -> None:
        """Raises IdempotencyKeyReused now, if the body is known."""
        self._turn = turn
        await self._bind()

    async def drained(self, turn: Turn) -> None:
        """Read what is left, only to compare. Raises IdempotencyKeyReused."""
        self._ahead.clear()
        await self.begin(turn)
        while not self.bound:
            message = await self.receive()
            if message["type"] != "http.request":
                return

    async def receive(self) -> ReceiveMessage:
        if self._ahead:
            return self._ahead.popleft()
        message = await self._read()
        await self._bind()
        return message

    async def _read(self) -> ReceiveMessage:
        message = await self._receive()
        if message["type"] == "http.request" and self.digest is None:
            self._fingerprint.update(message["body"])
            if not message["more_body"]:
                self.digest = self._fingerprint.digest()
        return message

    async def _bind(self) -> None:
        if self._turn and self.digest and not self.bound:
            await self._records.bind(self._turn, self.digest)
            self.bound = True
