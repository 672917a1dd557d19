"""The people and things that most tests of the HTTP contract need."""

from typing import Any

import httpx
import pytest

from tests.people import Person, sample
from tests.service import Service


@pytest.fixture(scope="module")
def anyone(service: Service) -> httpx.Client:
    """Nobody in particular: no credentials."""
    return service.client()


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
