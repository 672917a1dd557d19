"""Many readers of one URL, over kept connections, at as little of the machine's cost as can be."""

import asyncio
import re
import time
from os import urandom
from statistics import median
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import uvloop

from benchmarks.measure import percentile


class Load(NamedTuple):
    rate: float
    p50: float
    p95: float


def load(
    url: str, *, connections: int, each: int, etag: str | None = None, strangers: bool = False
) -> Load:
    """Each connection asks that often, one after the other; times are in milliseconds.

    With `strangers`, each request comes from another browser.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_loaded(url, connections, each, etag, strangers))


async def _loaded(url: str, connections: int, each: int, etag: str | None, strangers: bool) -> Load:
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    condition = f"If-None-Match: {etag}\r\n" if etag else ""
    head = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n{condition}".encode()
    loop, status = asyncio.get_running_loop(), b"304" if etag else b"200"
    readers = [
        _Reader(head, f"{urandom(6).hex()} {{}}" if strangers else "", status, each)
        for _ in range(connections)
    ]
    for reader in readers:
        await loop.create_connection(lambda it=reader: it, parts.hostname, parts.port)
    began = time.perf_counter()
    await asyncio.gather(*(reader.all_read() for reader in readers))
    seconds = time.perf_counter() - began
    times = [it for reader in readers for it in reader.times]
    return Load(len(times) / seconds, median(times), percentile(times, 95))


class _Reader(asyncio.Protocol):
    def __init__(self, head: bytes, agent: str, status: bytes, each: int) -> None:
        self._ask = head
        self._agent = agent
        self._status = status
        self._left = each
        self._missing = -1  # bytes of the body; below 0, the head is not complete
        self._head = b""
        self._began = 0.0
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.times: list[float] = []

    async def all_read(self) -> None:
        self._send()
        await self._done
        self._transport.close()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(error or ConnectionError("closed midway"))

    def data_received(self, data: bytes) -> None:
        if self._missing < 0:
            head, end, body = (self._head + data).partition(b"\r\n\r\n")
            if not end:
                self._head = head
                return
            assert head.split(b" ", 2)[1] == self._status, head
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            self._missing = int(length[1]) if length and self._status != b"304" else 0
            data = body
        self._missing -= len(data)
        if self._missing <= 0:
            self._answered()

    def _send(self) -> None:
        agent = f"User-Agent: {self._agent.format(self._left)}\r\n" if self._agent else ""
        self._missing, self._head, self._began = -1, b"", time.perf_counter()
        self._transport.write(self._ask + agent.encode() + b"\r\n")

    def _answered(self) -> None:
        self.times.append(1000 * (time.perf_counter() - self._began))
        self._left -= 1
        if self._left:
            self._send()
        else:
            self._done.set_result(None)
