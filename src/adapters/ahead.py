"""Reading ahead: the next piece is under way while somebody works at the one before."""

import asyncio
from collections.abc import AsyncGenerator
from typing import TypeVar

T = TypeVar("T")


async def ahead(pieces: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """The same pieces. Close it (`aclosing`): what is under way then ends before it does."""

    async def following() -> T | None:
        return await anext(pieces, None)

    task = asyncio.create_task(following())
    try:
        while (piece := await task) is not None:
            task = asyncio.create_task(following())
            await asyncio.sleep(0)  # whoever works may not let it begin
            yield piece
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await pieces.aclose()
