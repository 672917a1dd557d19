"""Many readers of one URL, over kept connections, at as little of the machine's cost as can be."""

import asyncio
import re
import time
from ipaddress import IPv4Address
from itertools import count
from statistics import median
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import uvloop

from benchmarks.measure import percentile

BROWSERS = 500
_BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/139.0.{}.0 Safari/537.36"
)


class Load(NamedTuple):
    rate: float
    p50: float
    p95: float


def load(
    url: str, *, connections: int, each: int, etag: str | None = None, strangers: bool = False
) -> Load:
    """Each connection asks that often, one after the other; times are in milliseconds.

    With `strangers`, each request comes from another address, as a proxy tells of them.
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
        _Reader([head + (_stranger() if strangers else b"") for _ in range(each)], status)
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
    def __init__(self, heads: list[bytes], status: bytes) -> None:
        self._heads = heads
        self._status = status
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
        self._missing, self._head, self._began = -1, b"", time.perf_counter()
        self._transport.write(self._heads.pop() + b"\r\n")

    def _answered(self) -> None:
        self.times.append(1000 * (time.perf_counter() - self._began))
        if self._heads:
            self._send()
        else:
            self._done.set_result(None)


def _stranger() -> bytes:
    """Nobody comes twice in a process; browsers are few, beside people."""
    number = next(_numbers)
    agent = _BROWSER.format(number % BROWSERS)
    return f"X-Forwarded-For: {IPv4Address(number)}\r\nUser-Agent: {agent}\r\n".encode()


_numbers = count(int(IPv4Address("10.0.0.1")))
