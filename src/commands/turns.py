"""The same work upon many things, so many at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

AT_ONCE = 16


async def in_turns(
    things: Iterable[A], work: Callable[[A], Awaitable[B]], *, at_once: int = AT_ONCE
) -> list[B]:
    """What came of each, in their order. Raises the first failure; the others go on."""
    places = asyncio.Semaphore(at_once)

    async def one(thing: A) -> B:
        async with places:
            return await work(thing)

    return await asyncio.gather(*map(one, things))
