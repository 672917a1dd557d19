"""The Lab port: a pool of sandboxed children that decode. A child's death costs one file."""

import asyncio
import multiprocessing
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from opentelemetry import trace
from pebble import ProcessExpired, ProcessPool

from adapters import metrics, sandbox
from adapters.recipe import RECIPE
from commands.lab import Derivative, Development
from domain.media import Caps, Format, Rung
from domain.refusals import CorruptImage, Refusal, Unavailable
from domain.transform import Transform
from domain.uploads import Arrived

_tracer = trace.get_tracer("darkroom")

WALL_CLOCK = 30.0
"""Seconds for one file. What takes more than its share of CPU dies of that, before."""
FILES_A_CHILD = 200
"""Then it is replaced by a fresh one."""


class VipsLab:
    recipe = RECIPE

    def __init__(self, caps: Caps, *, workers: int = 2, queue: int = 64) -> None:
        self._caps = caps
        self._workers = workers
        self._most = workers + queue
        self._waiting = 0
        self._pool: Any = None

    def start(self) -> None:
        """Start the children; the first files wait until they are there."""
        self._pool = ProcessPool(
            max_workers=self._workers,
            max_tasks=FILES_A_CHILD,
            initializer=_enter,
            context=_context(),
        )
        for _ in range(self._workers):
            self._pool.schedule(_ready)

    async def close(self) -> None:
        self._pool.stop()
        await asyncio.to_thread(self._pool.join, 5)

    async def inspect(self, path: Path) -> Arrived:
        arrived: Arrived = await self._run(_Vips("inspect"), path, self._caps, late=_overloaded)
        return arrived

    async def develop(self, path: Path) -> Development:
        development: Development = await self._run(_Vips("develop"), path)
        return development

    async def render(self, path: Path, rung: Rung, format: Format) -> Derivative:
        derivative: Derivative = await self._run(_Vips("render"), path, rung, format)
        return derivative

    async def transform(
        self,
        path: Path,
        transform: Transform,
        format: Format,
        *,
        size: tuple[int, int] | None = None,
    ) -> bytes:
        asked = (transform, format, size)
        body: bytes = await self._run(_Vips("transform"), path, asked, late=_overloaded)
        return body

    async def scrub(self, path: Path) -> bytes | None:
        clean: bytes | None = await self._run(_Vips("scrub"), path)
        return clean

    async def _run(
        self, work: Callable[..., Any], *arguments: Any, late: Callable[[], Refusal] | None = None
    ) -> Any:
        """`late` says what it means that time is over, where somebody waits who may ask again."""
        with (
            _tracer.start_as_current_span(f"lab {work.__name__}"),
            metrics.LAB_QUEUED.track_inprogress(),
            metrics.LAB_SECONDS.labels(work.__name__).time(),
        ):
            try:
                return await self._answer(work, *arguments)
            except TimeoutError as error:
                raise (late or _too_slow)() from error

    async def _answer(self, work: Callable[..., Any], *arguments: Any) -> Any:
        if self._waiting >= self._most:
            raise Unavailable(dependency="lab", queued=self._waiting)
        self._waiting += 1
        try:
            task = self._pool.schedule(_task, args=(work, *arguments), timeout=WALL_CLOCK)
            answer = await asyncio.wrap_future(task)
        except ProcessExpired as error:
            raise CorruptImage(reason="the decoder died of it") from error
        finally:
            self._waiting -= 1
        if isinstance(answer, _Refused):
            raise Refusal.known[answer.code](**answer.facts)
        return answer


def _overloaded() -> Refusal:
    """It says nothing of the file, of which its CPU's limit speaks: others took the time."""
    return Unavailable(dependency="lab")


def _too_slow() -> Refusal:
    """In the background: it is tried again so often, and then keeps no others waiting."""
    return CorruptImage(reason="the decoder took too long")


def _context() -> ForkServerContext:
    """Children are forked from a process that has loaded libvips, and has done nothing else.

    They share what it loaded: one of them takes half of the memory, and starts in a tenth of the
    time. It holds nobody's secrets in its memory, as it would if it were ours; it ends when we do,
    and they with it.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["adapters.nursery"])
    return context


class _Vips:
    """A function of adapters.vips, by name: only the children load libvips."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, *arguments: Any) -> Any:
        from adapters import vips

        return getattr(vips, self.__name__)(*arguments)


class _Refused:
    """A refusal on its way over the pipe: exceptions with keywords do not pickle."""

    def __init__(self, refusal: Refusal) -> None:
        self.code = refusal.code
        self.facts = refusal.facts


def _enter() -> None:
    from adapters import vips

    vips.prepare()
    sandbox.enter()


def _ready() -> None:
    """Done once the child has started."""


def _task(work: Callable[..., Any], *arguments: Any) -> Any:
    from adapters import vips

    sandbox.start_task()
    try:
        return vips.guarded(work, *arguments)
    except Refusal as refusal:
        return _Refused(refusal)
