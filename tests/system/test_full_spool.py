"""A spool without room: 503 as long as it lasts, and nothing of an upload is lost by it."""

import os
import subprocess

import pytest

from tests.people import Person, eventually, expect, refused, sample
from tests.service import Service
from tests.tus import Tus

pytestmark = pytest.mark.xdist_group("spool")

SMALL = sample("valid/Pillow__rgb.jpg")
LARGE = SMALL + bytes(10_000_000)


@pytest.fixture
def spool(tmp_path):
    """A file system of 3 MB."""
    folder = tmp_path / "spool"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"needs root: {mounted.stderr}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_what_has_no_room_is_told_so_and_goes_through_later(spool, tmp_path):
    service = Service(tmp_path / "data", DARKROOM_SPOOL=str(spool))
    service.start()
    ann = Person(service, "ann")
    tus, ticket = Tus(ann), ann.initiate(LARGE)
    path = tus.created(len(LARGE), filename="a.jpg", finalize="true")
    assert ann.put(ticket, LARGE).status_code == 200

    form = [("file", ("a.jpg", LARGE)), ("file", ("b.jpg", SMALL))]
    for answer in (
        ann.http.post("/v1/images", files=form),
        ann.finalize(ticket),
        tus.patch(path, 0, LARGE),
    ):
        assert refused(answer, 503, "unavailable")["dependency"] == "spool"
        assert answer.headers["Retry-After"]
    expect(ann.http.post("/v1/images", files={"file": ("b.jpg", SMALL)}), 201)

    subprocess.run(["mount", "-o", "remount,size=40m", str(spool)], check=True)
    offset = tus.offset(path)

    expect(ann.finalize(ticket), 201)
    assert tus.patch(path, offset, LARGE[offset:]).status_code == 204
    eventually(lambda: not os.listdir(spool))  # also what derivatives are made from
    service.stop()
