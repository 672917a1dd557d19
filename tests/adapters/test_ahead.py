"""Reading ahead: one piece at once, and none is left under way."""

import asyncio
from contextlib import aclosing

import pytest

from adapters.ahead import ahead


class Source:
    def __init__(self, *pieces):
        self.pieces = pieces
        self.begun = 0
        self.closed = False

    async def read(self):
        try:
            for piece in self.pieces:
                self.begun += 1
                await asyncio.sleep(0)
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            self.closed = True


async def test_the_next_is_begun_before_the_one_is_worked_at_and_no_more_than_that():
    source = Source("a", "b", "c", "d")
    seen = [(piece, source.begun) async for piece in ahead(source.read())]
    assert seen == [("a", 2), ("b", 3), ("c", 4), ("d", 4)]


async def test_a_failure_comes_in_its_turn():
    source = Source("a", ValueError("bad"), "c")
    pieces = ahead(source.read())
    assert await anext(pieces) == "a"
    with pytest.raises(ValueError, match="bad"):
        await anext(pieces)
    assert source.closed


async def test_who_stops_early_leaves_nothing_under_way():
    source = Source("a", "b", "c")
    async with aclosing(ahead(source.read())) as pieces:
        assert await anext(pieces) == "a"
    assert source.closed
    assert asyncio.all_tasks() == {asyncio.current_task()}
