"""An installation of its own for each test, opened: the real servers, nothing shared."""

from collections.abc import AsyncIterator

import pytest

import bootstrap
from bootstrap import Core
from settings import Settings


@pytest.fixture
async def core(settings: Settings) -> AsyncIterator[Core]:
    await bootstrap.prepare(settings)
    core = Core(settings)
    async with core.opened():
        yield core
