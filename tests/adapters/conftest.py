"""An installation of its own for each test, opened: the real servers, nothing shared."""

from collections.abc import AsyncIterator

import pytest

from adapters import jetstream
from bootstrap import Core
from settings import Settings


@pytest.fixture
async def core(settings: Settings) -> AsyncIterator[Core]:
    core = Core(settings)
    async with core.opened():
        await core.objects.ensure_bucket()
        await jetstream.ensure_stream(core.nats.jetstream(), core.names)
        yield core
