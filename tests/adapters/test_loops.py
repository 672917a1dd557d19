"""Work without end, whatever goes wrong."""

import asyncio
from contextlib import suppress

from structlog.testing import capture_logs

from bootstrap.loops import every, for_ever


class Script:
    """Work whose pieces are answered in this order; then it ends the test."""

    def __init__(self, *answers):
        self._answers = list(answers)
        self.rests = 0

    async def work(self):
        if not self._answers:
            raise asyncio.CancelledError
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def rest(self):
        self.rests += 1


async def run(script):
    with suppress(asyncio.CancelledError):
        await for_ever("test", script.work, script.rest, outage=0)


async def test_it_rests_only_where_there_is_nothing_to_do():
    script = Script(True, True, False, 3, 0)
    await run(script)
    assert script.rests == 2


async def test_what_interrupts_it_is_said_once_until_it_is_another_thing():
    with capture_logs() as logs:
        await run(Script(OSError("a"), OSError("a"), OSError("b"), True, OSError("b")))
    assert [log["reason"] for log in logs] == ["a", "b", "b"]


async def test_one_step_at_a_time_has_a_pause_after_each():
    script, began = Script(5, 5, 0), asyncio.get_running_loop().time()
    with capture_logs() as logs, suppress(asyncio.CancelledError):
        await every(0.01, "test", script.work)
    assert asyncio.get_running_loop().time() - began >= 0.03
    assert [log["count"] for log in logs] == [5, 5]
