"""Deadlines of bodies: who sends or reads too slowly loses the connection; a sender is told so."""

import asyncio
from contextlib import suppress

import msgspec
from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPReceiveMessage, Message, Receive, Scope, Send

from domain.refusals import RequestTimeout


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """The slowest that a body may come, or go."""

    grace: float = 10.0
    """Seconds until the first byte, and of arrears that any client may run up."""
    rate: int = 4_096
    """Bytes a second."""
    reading_rate: int = 16_384
    """Bytes a second of an answer: it holds a connection to the object store."""
    linger: float = 5.0
    """Seconds that a body is still read and thrown away before an early answer."""
    hush: float = 0.5
    """Seconds of silence that end this: the client has stopped sending, or has yet to begin."""

    @property
    def most(self) -> float:
        """Seconds that no speed before may buy: nobody sends fast first, to stay for hours."""
        return 3 * self.grace


class Deadlines(ASGIMiddleware):
    """Headers have a deadline in the server; bodies have theirs here."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, pace: Pace) -> None:
        self._pace = pace

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        paced, read = Paced(receive, self._pace), Read(send, self._pace)
        headers = Headers.from_scope(scope)
        has_body = "Transfer-Encoding" in headers or headers.get("Content-Length", "0") != "0"

        async def sending(message: Message) -> None:
            """RFC 9112, 9.6: whoever answers before the body's end will close, and says so.

            A close over unread bytes resets the connection, and the answer may be lost with it.
            """
            if message["type"] == "http.response.start" and has_body and not paced.complete:
                MutableScopeHeaders.from_message(message)["Connection"] = "close"
                if paced.begun or "Expect" not in headers:  # else to read would ask for the body
                    await paced.linger()
            await read(message)

        await next_app(scope, paced, sending)


class Paced:
    """A `receive` that keeps an account of seconds: waiting spends them, bytes earn them.

    Only waiting counts: what the service itself takes is not the client's fault.
    """

    def __init__(self, receive: Receive, pace: Pace) -> None:
        self._receive = receive
        self._pace = pace
        self._credit = pace.grace
        self._received = 0
        self.complete = False
        """Whether the last byte has come."""

    async def __call__(self) -> HTTPReceiveMessage:
        """Raises RequestTimeout. After the body it waits as long as it takes: for the end."""
        if self.complete:
            return await self._next()
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(self._credit):
                message = await self._next()
        except TimeoutError as error:
            raise RequestTimeout(
                receivedBytes=self._received, minBytesPerSecond=self._pace.rate
            ) from error
        self._credit -= loop.time() - began
        self._account(message)
        return message

    @property
    def begun(self) -> bool:
        return self._received > 0

    async def linger(self) -> None:
        """Throw the rest away, for a while: who is still sending does not read an answer yet."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pace.linger):
                while not self.complete:
                    async with asyncio.timeout(self._pace.hush):
                        message = await self._next()
                    self._account(message)

    def _account(self, message: HTTPReceiveMessage) -> None:
        if message["type"] != "http.request":
            self.complete = True
            return
        size = len(message.get("body", b""))
        self._received += size
        self._credit = min(self._credit + size / self._pace.rate, self._pace.most)
        self.complete = not message.get("more_body", False)

    async def _next(self) -> HTTPReceiveMessage:
        message: HTTPReceiveMessage = await self._receive()  # type: ignore[assignment]  # HTTP only
        return message


class ReaderTooSlow(ConnectionError):
    """Ends the answer midway: there is no other way to tell."""


class Read:
    """A `send` that waits for each piece no longer than a tolerable reader takes for it."""

    def __init__(self, send: Send, pace: Pace) -> None:
        self._send = send
        self._pace = pace

    async def __call__(self, message: Message) -> None:
        """Raises ReaderTooSlow."""
        size = len(message["body"]) if message["type"] == "http.response.body" else 0
        try:
            async with asyncio.timeout(self._pace.grace + size / self._pace.reading_rate):
                await self._send(message)
        except TimeoutError as error:
            raise ReaderTooSlow from error
