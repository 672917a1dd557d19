"""An installation of its own for each test, opened: the real servers, nothing shared."""

from collections.abc import AsyncIterator

import pytest

from bootstrap import Core, upkeep
from settings import Settings


@pytest.fixture
async def core(settings: Settings) -> AsyncIterator[Core]:
    await upkeep.prepare(settings)
    core = Core(settings)
    async with core.opened():
        yield core
