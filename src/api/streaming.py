"""Answers from the object store: as many as it has connections for, each let go however it ends."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from litestar.response import Stream
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from api.deadlines import ReaderTooSlow
from domain.refusals import Unavailable

Chunks = AsyncGenerator[bytes, None]


class Turnstile:
    """So many at a time; who has waited for a place too long is turned away."""

    def __init__(self, places: int, *, patience: float = 2.0) -> None:
        self._places = places
        self._patience = patience
        self._free = asyncio.Semaphore(places)

    async def __aenter__(self) -> None:
        """Raises Unavailable."""
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError as error:
            raise Unavailable(dependency="delivery", limit=self._places) from error

    async def __aexit__(self, *_: object) -> None:
        self._free.release()


class Streamed(Stream):
    """Begins once the first chunk is there: until then, whatever fails is a refusal of its own."""

    def __init__(self, chunks: Chunks, turnstile: Turnstile, **more: Any) -> None:
        super().__init__(chunks, **more)
        self._chunks = chunks
        self._turnstile = turnstile

    def to_asgi_response(self, *arguments: Any, **more: Any) -> ASGIResponse:
        response = super().to_asgi_response(*arguments, **more)
        send_it = response.__call__

        async def call(scope: Scope, receive: Receive, send: Send) -> None:
            async with self._turnstile, aclosing(self._chunks) as chunks:
                response.iterator = _led(await anext(chunks, b""), chunks)  # type: ignore[attr-defined]  # a stream's
                try:
                    await send_it(scope, receive, send)
                except* ReaderTooSlow:
                    pass  # less than Content-Length ends the connection

        return call  # type: ignore[return-value]  # of a response, only this is ever asked


async def _led(first: bytes, chunks: Chunks) -> Chunks:
    yield first
    async for chunk in chunks:
        yield chunk
