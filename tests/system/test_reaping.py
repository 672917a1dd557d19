"""The reaper at work in a running Darkroom."""

import time

import pytest

from tests.people import PHOTO, Person, expect, refused, sample
from tests.service import Service

pytestmark = pytest.mark.xdist_group("reaping")


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    """A Darkroom whose uploads expire after ten seconds."""
    service = Service(tmp_path_factory.mktemp("hasty") / "data", DARKROOM_UPLOAD_LIFETIME="10")
    service.start()
    yield service
    service.stop()


def usage(person: Person) -> tuple[int, int]:
    found = person.usage
    return found["reservedBytes"], found["storageBytes"]


def test_what_was_promised_and_never_came_is_given_back(hasty):
    person, content = Person(hasty, "fay"), sample(PHOTO)
    kept = expect(person.http.post("/v1/images", files={"file": ("a.jpg", content)}), 201)
    tickets = [person.initiate(content + bytes(n), f"{n}.jpg") for n in range(20)]
    person.put(tickets[0], content)
    assert usage(person) == (sum(len(content) + n for n in range(20)), len(content))
    time.sleep(11)

    hasty.kill("react")  # whatever runs next begins with a look at what has expired

    deadline = time.monotonic() + 45
    while usage(person)[0]:
        assert time.monotonic() < deadline, hasty.logs()
        time.sleep(0.1)
    assert usage(person) == (0, len(content))
    refused(person.finalize(tickets[0]), 409, "upload_closed")
    assert person.http.get(f"/images/{kept['imageId']}").content == content
