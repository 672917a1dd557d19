"""Others' tus clients against a Darkroom that is cut off and killed: the bytes come out equal."""

import hashlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tusclient.client import TusClient

from tests.people import Person, expect, sample
from tests.proxy import Proxy
from tests.service import Service
from tests.tus import BYTES, PATH, VERSION, Tus

pytestmark = pytest.mark.xdist_group("tus")

CLIENT = Path(__file__).parents[1] / "clients" / "tus-js"
MB = 1024 * 1024


@pytest.fixture(scope="module")
def victim(tmp_path_factory):
    """A Darkroom of our own to be cruel to."""
    service = Service(tmp_path_factory.mktemp("resumed") / "data")
    service.start()
    yield service
    service.stop()


@pytest.fixture(scope="module")
def account(victim: Service) -> Person:
    return Person(victim, "eve")


@pytest.fixture
def eve(account: Person) -> Person:
    """Connected anew: whoever kills the service closes its clients, too."""
    account.http = account.service.client(account.tokens["accessToken"])
    return account


def picture(size: int, file: Path) -> bytes:
    """A photo with that many bytes, most of them behind its end."""
    photo = sample("valid/Pillow__rgb.jpg")
    content = photo + os.urandom(size - len(photo))
    file.write_bytes(content)
    return content


def sixteenths(size: int) -> list[int]:
    return [size * n // 16 for n in range(1, 16)]


def with_tuspy(url: str, owner: Person, file: Path, chunk_size: int = 2**40) -> str:
    """The id of the image, once tuspy is through."""
    authorized = {"Authorization": owner.http.headers["Authorization"]}
    with file.open("rb") as stream:
        uploader = TusClient(f"{url}{PATH}", headers=authorized).uploader(
            file_stream=stream,
            chunk_size=chunk_size,
            retries=120,
            retry_delay=0.5,
            metadata={"filename": file.name, "finalize": "true"},
        )
        uploader.upload()
        return uploader.request.response_headers["darkroom-image-id"]


def assert_equal(owner: Person, image_id: str, content: bytes) -> None:
    http = owner.service.client(owner.tokens["accessToken"])
    shown = expect(http.get(f"/v1/images/{image_id}"), 200)
    digest = hashlib.sha256(content).hexdigest()
    assert shown["checksum"] == f"sha256:{digest}"
    assert hashlib.sha256(http.get(f"/images/{image_id}").content).hexdigest() == digest


def killed_twice(victim: Service) -> Callable[[int], None]:
    """`kill -9` of all there is, at the fifth and at the eleventh cut."""

    def kill(cut: int) -> None:
        if cut in (5, 11):
            victim.kill_everything()
            victim.start()

    return kill


def test_64_mb_cut_at_each_sixteenth_while_everything_is_killed_twice(victim, eve, tmp_path):
    content = picture(64 * MB, tmp_path / "a.jpg")

    with Proxy(victim.port, sixteenths(len(content)), at_cut=killed_twice(victim)) as proxy:
        image_id = with_tuspy(proxy.url, eve, tmp_path / "a.jpg")

    assert proxy.cut == 15
    assert_equal(eve, image_id, content)


def test_small_chunks_cut_at_each_sixteenth(victim, eve, tmp_path):
    content = picture(24 * MB, tmp_path / "b.jpg")

    with Proxy(victim.port, sixteenths(len(content))) as proxy:
        image_id = with_tuspy(proxy.url, eve, tmp_path / "b.jpg", chunk_size=1_000_000)

    assert proxy.cut == 15
    assert_equal(eve, image_id, content)


def test_everything_is_killed_midway_and_the_upload_goes_on(victim, eve, tmp_path):
    content = picture(40 * MB, tmp_path / "c.jpg")
    tus, sent = Tus(eve), 30 * MB
    path = tus.created(len(content), filename="c.jpg", title="survivor", finalize="true")
    with socket.create_connection(("127.0.0.1", victim.port)) as connection:
        connection.sendall(_head(path, eve, len(content)) + content[:sent])
        while (before := tus.offset(path)) < 16 * MB:
            time.sleep(0.05)
        victim.kill_everything()

    victim.start()
    eve.http = tus.http = victim.client(eve.tokens["accessToken"])

    kept = tus.offset(path)
    assert before <= kept <= sent
    answer = tus.patch(path, kept, content[kept:])
    assert answer.status_code == 204
    image_id = answer.headers["Darkroom-Image-Id"]
    assert_equal(eve, image_id, content)
    assert eve.http.get(f"/v1/images/{image_id}").json()["title"] == "survivor"


def _head(path: str, owner: Person, length: int) -> bytes:
    headers = VERSION | {
        "Host": "x",
        "Content-Length": str(length),
        "Upload-Offset": "0",
        "Content-Type": BYTES,
        "Authorization": owner.http.headers["Authorization"],
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"PATCH {path} HTTP/1.1\r\n{lines}\r\n".encode()


if shutil.which("npm"):

    @pytest.fixture(scope="module")
    def tus_js(tmp_path_factory) -> Path:
        """tus-js-client, installed from its lock."""
        folder = tmp_path_factory.mktemp("node") / "tus-js"
        shutil.copytree(CLIENT, folder)
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)
        return folder / "upload.js"

    @pytest.mark.parametrize("chunk_size", [[], ["3000000"]], ids=["whole", "chunks"])
    def test_tus_js_client_under_the_same(victim, eve, tmp_path, tus_js, chunk_size):
        content = picture(64 * MB, tmp_path / "d.jpg")

        with Proxy(victim.port, sixteenths(len(content)), at_cut=killed_twice(victim)) as proxy:
            done = subprocess.run(
                [
                    *("node", str(tus_js), f"{proxy.url}{PATH}", eve.tokens["accessToken"]),
                    *(str(tmp_path / "d.jpg"), *chunk_size),
                ],
                capture_output=True,
                text=True,
                timeout=180,
                check=False,
            )

        assert done.returncode == 0, done.stderr
        assert proxy.cut == 15
        assert_equal(eve, done.stdout.strip(), content)
