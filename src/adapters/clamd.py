"""The Scanner port: clamd over its socket, or the proof that every image has given already."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from commands.review import Unscanned
from domain.gate import DECODE
from domain.refusals import Unavailable

CONNECT, SILENCE, WHOLE = 2.0, 20.0, 90.0
"""Seconds: to be let in, without a sign of life, and in all."""
PIECE = 64 * 1024
LONGEST = 1_000
"""Characters of an answer; signatures have names of a hundred at most."""

_FOUND = re.compile(r"stream: ([\x21-\x7e][\x20-\x7e]{0,199}) FOUND")
_LIMITS = "Heuristics.Limits.Exceeded"
"""Not found but given up: too large or too slow to be scanned to its end."""

Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Clamd:
    """`address` is a path, or host:port. Only `stream: OK` is OK."""

    name = "clamd"

    def __init__(self, address: str, *, connect: float = CONNECT, silence: float = SILENCE) -> None:
        self._address = address
        self._connect = connect
        self._silence = silence

    async def scan(self, path: Path) -> str | None:
        try:
            answer = await self._ask(b"zINSTREAM\0", path)
        except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError) as error:
            await self.check()  # only where it lives, it may have been this file
            raise Unscanned(str(error) or type(error).__name__) from error
        if answer == "stream: OK":
            return None
        found = _FOUND.fullmatch(answer)
        if found is None:
            await self.check()
        if found is None or found[1].startswith(_LIMITS):
            raise Unscanned(found[1] if found else answer[:100])
        return found[1]

    async def check(self) -> str:
        try:
            async with asyncio.timeout(2 * self._connect):
                if await self._ask(b"zPING\0") != "PONG":
                    raise Unavailable(dependency="scanner", reason="it speaks another language")
                return (await self._ask(b"zVERSION\0"))[:100]
        except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError) as error:
            reason = str(error) or type(error).__name__
            raise Unavailable(dependency="scanner", reason=reason) from error

    async def _ask(self, command: bytes, body: Path | None = None) -> str:
        async with asyncio.timeout(WHOLE), self._connected() as (reader, writer):
            with suppress(ConnectionError):  # who says no may hang up while we still talk
                writer.write(command)
                if body is not None:
                    await self._send(body, writer)
            async with asyncio.timeout(self._silence):
                answer = await reader.readuntil(b"\0")
            return answer[:-1].decode("ascii", "replace")

    async def _send(self, body: Path, writer: asyncio.StreamWriter) -> None:
        with body.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, PIECE):
                writer.write(len(piece).to_bytes(4, "big") + piece)
                async with asyncio.timeout(self._silence):
                    await writer.drain()
        writer.write(bytes(4))

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Wire]:
        async with asyncio.timeout(self._connect):
            reader, writer = await self._opened()
        try:
            yield reader, writer
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _opened(self) -> Wire:
        host, _, port = self._address.rpartition(":")
        if "/" in self._address or not host:
            return await asyncio.open_unix_connection(self._address, limit=LONGEST)
        return await asyncio.open_connection(host.strip("[]"), int(port), limit=LONGEST)


class AlreadyDecoded:
    """No image is finalized that was not decoded to its end; without a scanner that is the gate."""

    name = DECODE

    async def scan(self, path: Path) -> str | None:
        return None

    async def check(self) -> str:
        return "no scanner: the gate is the full decode"
