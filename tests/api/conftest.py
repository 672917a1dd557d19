"""The people and things that most tests of the HTTP contract need."""

import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.clamd import Clamd
from tests.conftest import ADMINISTRATOR
from tests.people import Person, sample
from tests.service import Service, coming_from, free_port
from tests.varnish import Varnish

OURS, ANONYMOUS, SIGNING_IN = 100, 40, 60
PROXY = "127.0.0.9"
EDGE = free_port()
_ADDRESSES = itertools.count(1)


@pytest.fixture(scope="session")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of three processes that limits its clients: for tests of the group `rates`."""
    running = Service(
        tmp_path_factory.mktemp("strict") / "data",
        DARKROOM_RATE_LIMITS="on",
        DARKROOM_API_WORKERS="3",
        DARKROOM_PLANS=f'{{"free": {{"requestsPerMinute": {OURS}}}}}',
        DARKROOM_REQUESTS_ANONYMOUS=str(ANONYMOUS),
        DARKROOM_REQUESTS_SIGNING_IN=str(SIGNING_IN),
        DARKROOM_TRUSTED_PROXIES=f"{PROXY}/32",
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clamd]:
    running = Clamd(tmp_path_factory.mktemp("clamd"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def gated(tmp_path_factory: pytest.TempPathFactory, clamd: Clamd) -> Iterator[Service]:
    """A service that publishes nothing unscanned, and has a CDN: for tests of the group `gate`."""
    running = Service(
        tmp_path_factory.mktemp("gated") / "data",
        DARKROOM_SCANNER="clamd",
        DARKROOM_CLAMD=clamd.socket,
        DARKROOM_CDN="varnish",
        DARKROOM_CDN_URL=f"http://127.0.0.1:{EDGE}",
        DARKROOM_ADMIN_EMAIL=ADMINISTRATOR,
        DARKROOM_API_WORKERS="1",
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def varnish(gated: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Varnish]:
    """In front of it."""
    running = Varnish(tmp_path_factory.mktemp("varnish"), EDGE, gated.port)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def reviewer(gated: Service) -> Person:
    """Its administrator."""
    return Person(gated, "reviewer", ADMINISTRATOR)


@pytest.fixture(scope="module")
def anyone(service: Service) -> Iterator[httpx.Client]:
    """Nobody in particular: no credentials, and the limits of an address of its own."""
    with coming_from(service, f"127.1.0.{next(_ADDRESSES)}") as http:
        yield http


@pytest.fixture(scope="session")
def dot() -> bytes:
    """The smallest picture there is: 2 x 2 pixels in 76 bytes of PNG."""
    return sample("valid/sharp__2x2_fdcce6.png")


@pytest.fixture(scope="module")
def private(ann: Person, dot: bytes) -> dict[str, Any]:
    return ann.developed(ann.upload(dot, "secret.png", title="Secret", tags=["hidden"]))


@pytest.fixture(scope="module")
def public(ann: Person, dot: bytes) -> dict[str, Any]:
    return ann.developed(ann.upload(dot, "open.png", title="Open", visibility="public"))


@pytest.fixture(scope="module")
def unlisted(ann: Person, dot: bytes) -> dict[str, Any]:
    return ann.developed(ann.upload(dot, "quiet.png", title="Quiet", visibility="unlisted"))
