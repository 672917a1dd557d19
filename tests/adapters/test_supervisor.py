"""How children end: politely, in a hurry, or by force; and nothing of theirs stays."""

import signal
import time

import psutil
import pytest

from adapters.supervisor import Child, Supervisor

PATIENCE = 0.5
DEAF = "trap '' TERM; "


@pytest.fixture
def supervisor(tmp_path):
    return Supervisor(tmp_path)


async def ended(supervisor, tmp_path, script, **how):
    """Seconds until it had ended, and what it started that has not."""
    began = tmp_path / "began"
    child = Child(
        name="child",
        command=["bash", "-c", f"{script} sleep 300 & touch {began}; while :; do sleep 0.05; done"],
        patience=PATIENCE,
        ready=began.exists,
        **how,
    )
    before = set(psutil.Process().children(recursive=True))
    await supervisor.start([child])
    family = set(psutil.Process().children(recursive=True)) - before
    asked = time.monotonic()
    await supervisor.stop()
    took = time.monotonic() - asked
    _, alive = psutil.wait_procs(family, timeout=1)
    # Of the dead, nobody may have taken notice yet: they have no parent any more.
    left = [it for it in alive if it.status() != psutil.STATUS_ZOMBIE]
    for process in left:
        process.kill()
    return took, {process.name() for process in left}


async def test_one_that_obeys_is_not_waited_for(supervisor, tmp_path):
    took, _ = await ended(supervisor, tmp_path, "")

    assert took < PATIENCE


async def test_one_that_does_not_is_hurried_before_it_is_killed(supervisor, tmp_path):
    left = tmp_path / "left"
    script = DEAF + f"trap 'touch {left}; kill -9 $!; exit' QUIT; "

    took, alive = await ended(supervisor, tmp_path, script, hurry=signal.SIGQUIT)

    assert PATIENCE <= took < 2 * PATIENCE
    assert left.exists()
    assert not alive


async def test_one_that_hears_nothing_is_killed_with_all_that_it_started(supervisor, tmp_path):
    script = "trap '' TERM QUIT; "

    took, alive = await ended(supervisor, tmp_path, script, hurry=signal.SIGQUIT)

    assert took >= 2 * PATIENCE
    assert not alive
