"""Questions that come while one is under way go together into the next."""

import asyncio
from itertools import count

import pytest

from adapters.together import Together


class Slow:
    """Answers with how many times it was asked by then, once it is let go on."""

    def __init__(self):
        self.asked, self.go_on = [], asyncio.Semaphore(0)

    async def __call__(self, keys):
        self.asked.append(dict(keys))
        await self.go_on.acquire()
        if "bad" in keys:
            raise ValueError
        return {key: count(len(self.asked) * 10) for key in keys}


async def asking(together, *keys):
    tasks = [asyncio.create_task(together.answer(key)) for key in keys]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_who_asks_meanwhile_goes_together_into_the_next():
    slow = Slow()
    together = Together(slow)
    first = await asking(together, "a")
    later = await asking(together, "a", "b", "a")
    slow.go_on.release()
    slow.go_on.release()
    assert await asyncio.gather(*first, *later) == [10, 20, 20, 21]
    assert slow.asked == [{"a": 1}, {"a": 2, "b": 1}]


async def test_what_fails_is_told_to_those_who_asked_and_to_nobody_after():
    slow = Slow()
    together = Together(slow)
    failing = await asking(together, "bad")
    later = await asking(together, "a")
    slow.go_on.release()
    slow.go_on.release()
    with pytest.raises(ValueError):
        await failing[0]
    assert await later[0] == 20


async def test_one_that_waits_no_longer_takes_no_answer_from_another():
    slow = Slow()
    together = Together(slow)
    gone, here = await asking(together, "a", "a")
    gone.cancel()
    slow.go_on.release()
    assert await here in (10, 11)
    with pytest.raises(asyncio.CancelledError):
        await gone
