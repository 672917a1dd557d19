"""Work that is done once, however many ask for it at the same time."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """Shares what is under way in this process; remembers nothing of what is done."""

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[T]] = {}

    async def __call__(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `work` gives; an asker that goes away does not end it for the others."""
        if key not in self._running:
            task = asyncio.create_task(work())
            task.add_done_callback(lambda _: self._running.pop(key, None))
            self._running[key] = task
        return await asyncio.shield(self._running[key])
