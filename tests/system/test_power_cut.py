"""A power cut right after the answer: every acknowledged original is there, because of the barrier.

`kill -9` proves nothing of the kind: the page cache outlives it. Here the object store's folder is
an ext4 image of its own, whose file system is shut down without flushing its journal.
"""

import fcntl
import hashlib
import os
import struct
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.people import Person, sample
from tests.service import Service

pytestmark = pytest.mark.xdist_group("power")

EXT4_IOC_SHUTDOWN, WITHOUT_FLUSHING_THE_JOURNAL = 0x8004587D, 2
IMAGES = 200
MEGABYTES = 1_500


class Disk:
    """An ext4 image, loop-mounted."""

    def __init__(self, image: Path, folder: Path) -> None:
        self.folder = folder
        self._image = image
        folder.mkdir(parents=True)
        with image.open("wb") as file:
            file.truncate(MEGABYTES << 20)
        _run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0", str(image))
        self.mount()

    def mount(self) -> None:
        _run("mount", "-o", "loop", str(self._image), str(self.folder))

    def unmount(self) -> None:
        _run("umount", str(self.folder))

    def lose_power(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            order = struct.pack("I", WITHOUT_FLUSHING_THE_JOURNAL)
            fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, order)
        finally:
            os.close(descriptor)


@pytest.fixture
def disk(tmp_path):
    try:
        disk = Disk(tmp_path / "image", tmp_path / "data" / "objects")
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"needs root, mkfs.ext4 and loop devices: {error}")
    yield disk
    disk.unmount()


def lost_in_a_power_cut(disk: Disk, service: Service) -> str | None:
    """The first of the acknowledged originals that is gone, or other than it was."""
    service.start()
    person = Person(service, "cut")
    with ThreadPoolExecutor(4) as pool:
        acknowledged = dict(pool.map(lambda _: _uploaded(person), range(IMAGES)))
    assert len(acknowledged) == IMAGES
    disk.lose_power()
    service.kill_everything()
    disk.unmount()
    disk.mount()
    service.start()
    http = service.client(person.tokens["accessToken"])
    lost = (id for id, digest in acknowledged.items() if _content(http, id) != digest)
    try:
        return next(lost, None)
    finally:
        service.stop()


def _uploaded(person: Person) -> tuple[str, str]:
    content = sample("valid/Pillow__rgb.jpg") + os.urandom(8)
    answer = person.http.post("/v1/images", files={"file": ("p.jpg", content)})
    assert answer.status_code == 201, answer.text
    return answer.json()["imageId"], hashlib.sha256(content).hexdigest()


def _content(http: httpx.Client, id: str) -> str:
    """The digest of what is served; the service is patient while the store finds its volumes."""
    answer = http.get(f"/images/{id}")
    if answer.status_code != 200:
        return f"{answer.status_code}"
    return hashlib.sha256(answer.content).hexdigest()


def test_no_acknowledged_original_is_lost(disk, tmp_path):
    assert lost_in_a_power_cut(disk, Service(tmp_path / "data")) is None


def test_without_the_barrier_some_are_lost(disk, tmp_path):
    """Else the test above would be blind."""
    unsafe = Service(tmp_path / "data", DARKROOM_OBJECTS_FOLDER="")

    assert lost_in_a_power_cut(disk, unsafe) is not None


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
