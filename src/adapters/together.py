"""What is asked while a statement is under way goes together into the next one."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from itertools import chain
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
A = TypeVar("A")

Ask = Callable[[Mapping[K, int]], Awaitable[Mapping[K, Iterable[A]]]]
"""How often each key is asked for; returns as many answers to each, in their order."""


class Together(Generic[K, A]):
    """However busy a process is, it asks once at a time, and the cost is shared.

    Each answer was fetched after it was asked for: what was committed by then is in it.
    """

    def __init__(self, ask: Ask[K, A]) -> None:
        self._ask = ask
        self._waiting: dict[K, list[asyncio.Future[A]]] = defaultdict(list)
        self._working: asyncio.Task[None] | None = None

    async def answer(self, key: K) -> A:
        """Raises whatever asking did."""
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting[key].append(answer)
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, defaultdict(list)
            try:
                found = await self._ask({key: len(it) for key, it in waiting.items()})
            except Exception as error:  # it is theirs who asked
                for one in chain.from_iterable(waiting.values()):
                    if not one.done():
                        one.set_exception(error)
                continue
            for key, answers in waiting.items():
                for one, answer in zip(answers, found[key], strict=False):
                    if not one.done():
                        one.set_result(answer)
