"""Work without end, whatever goes wrong."""

import asyncio
import time
from contextlib import suppress

from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from adapters.positions import Announcement, HeardPositions
from bootstrap.loops import Stirred, after, every, for_ever, hand_out
from projections.positions import news


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


async def test_one_looks_and_several_work():
    """Two at once of five pieces; a piece that fails gives its place back."""
    pieces, looking, working, most, done = list(range(5)), 0, 0, 0, []
    finished = asyncio.Event()

    async def piece(number):
        nonlocal working, most
        working += 1
        most = max(most, working)
        await asyncio.sleep(0.01)
        working -= 1
        done.append(number)
        if len(done) == 5:
            finished.set()
        if number == 1:
            raise OSError("down")

    async def find():
        nonlocal looking
        looking += 1
        assert looking == 1, "nobody else looks meanwhile"
        await asyncio.sleep(0)
        looking -= 1
        number = pieces.pop(0) if pieces else None
        return None if number is None else lambda: piece(number)

    before = measured()
    with capture_logs() as logs:
        handing = asyncio.create_task(hand_out(2, "handed out", find, after(0.005)))
        await finished.wait()
        handing.cancel()
        await asyncio.gather(handing, return_exceptions=True)
    assert (sorted(done), most) == ([0, 1, 2, 3, 4], 2)
    assert [log["reason"] for log in logs] == ["down"]
    assert [now - then for now, then in zip(measured(), before, strict=True)] == [4, 1]


def measured():
    """How often it was done, and how often something stood in the way."""
    sample, labels = REGISTRY.get_sample_value, {"work": "handed out"}
    found = (f"darkroom_work_{it}" for it in ("seconds_count", "interrupted_total"))
    return [sample(it, labels) or 0 for it in found]


async def test_a_rest_ends_with_what_concerns_it_and_not_with_what_does_not(core):
    positions, said = HeardPositions(core.database, core.names), news("development")
    await positions.listen(core.nats)
    announcement = Announcement(core.nats, core.names)
    rest = Stirred(positions, said, least=0, most=60)

    resting = asyncio.create_task(rest())
    announcement.moved("development", 7, concerned=False)
    assert await positions.heard("development", 6, within=10)
    await asyncio.sleep(0.05)
    assert not resting.done()
    announcement.moved("development", 8, concerned=True)
    async with asyncio.timeout(10):
        await resting

    announcement.moved("development", 9, concerned=True)  # while there is work
    assert await positions.heard(said, 8, within=10)
    async with asyncio.timeout(10):
        await rest()


async def test_a_rest_where_nothing_is_heard_has_an_end(core):
    rest, began = (
        Stirred(HeardPositions(core.database, core.names), least=0.01, most=0.02),
        time.monotonic(),
    )
    for _ in range(2):
        await rest()
    assert time.monotonic() - began >= 0.06
