"""Keeps child processes alive, and takes every one of them along when it ends."""

import asyncio
import ctypes
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec
import structlog

SHORTEST, LONGEST = 0.2, 5.0
"""Seconds before a child that died is started again: doubling, as long as it keeps dying."""
HEALTHY = 10.0
"""Seconds after which a child that died is no longer a child that keeps dying."""
LOG_LIMIT = 20 * 1024 * 1024
_PR_SET_PDEATHSIG = 1

_log = structlog.get_logger()


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """A process to be kept running."""

    name: str
    command: Sequence[str]
    environment: dict[str, str] = {}
    stop: signal.Signals = signal.SIGTERM
    orphaned: signal.Signals = signal.SIGKILL
    """What it gets if the supervisor dies: it must be gone before the next one starts another."""
    hurry: signal.Signals | None = None
    """What it gets when its patience is over, to have another before SIGKILL."""
    patience: float = 4.0
    """Seconds between one signal and the next."""
    clear: Callable[[], None] = lambda: None
    """Removes what it leaves lying, before it starts and once it has ended."""
    ready: Callable[[], bool] = lambda: True
    """Whether it answers. Blocks briefly; called in a thread."""


class Supervisor:
    """Children are started in the order given and stopped group by group, the last group first."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._groups: list[list[asyncio.Task[None]]] = []

    async def start(self, children: Sequence[Child], *, within: float = 120.0) -> None:
        """Start them all at once; return when all are ready. Raises TimeoutError."""
        self._groups.append(
            [asyncio.create_task(self._keep(child), name=child.name) for child in children]
        )
        async with asyncio.timeout(within):
            await asyncio.gather(*map(_until_ready, children))

    async def stop(self) -> None:
        """End every child, and wait until none is left."""
        while self._groups:
            group = self._groups.pop()
            for task in group:
                task.cancel()
            await asyncio.gather(*group, return_exceptions=True)

    async def _keep(self, child: Child) -> None:
        pause = SHORTEST
        while True:
            child.clear()
            began = asyncio.get_running_loop().time()
            process = await self._spawned(child)
            try:
                code = await process.wait()
            finally:
                await _end(child, process)
                child.clear()
            if asyncio.get_running_loop().time() - began > HEALTHY:
                pause = SHORTEST
            _log.warning("child died", child=child.name, code=code, again_in=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST)

    async def _spawned(self, child: Child) -> asyncio.subprocess.Process:
        file = self._logs / f"{child.name}.log"
        if file.exists() and file.stat().st_size > LOG_LIMIT:
            file.replace(file.with_suffix(".log.1"))
        with file.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *child.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | child.environment,
                start_new_session=True,  # the terminal's Ctrl-C is for the supervisor alone
                preexec_fn=partial(_die_with_parent, child.orphaned),
            )


async def _until_ready(child: Child) -> None:
    while not await asyncio.to_thread(child.ready):  # noqa: ASYNC110 - another process decides
        await asyncio.sleep(0.05)


async def _end(child: Child, process: asyncio.subprocess.Process) -> None:
    """Ever less politely, until it has ended; the last word is for all that it started, too."""
    for number in (child.stop, child.hurry):
        with suppress(ProcessLookupError, TimeoutError):
            if number and process.returncode is None:
                process.send_signal(number)
                async with asyncio.timeout(child.patience):
                    await process.wait()
    if process.returncode is None:
        _log.warning("child killed", child=child.name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _die_with_parent(number: signal.Signals) -> None:
    """In the child, before its program: a killed supervisor leaves no orphans (Linux)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
