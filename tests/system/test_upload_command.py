"""`darkroom upload`: against the real service, and against a server that misbehaves on purpose."""

import hashlib
import json
import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.moody import Moody
from tests.people import PASSWORD, PHOTO, Person, sample
from tests.service import DARKROOM, inherited

PHOTO_BYTES = sample(PHOTO)


def photo(path: Path, mark: str = "") -> Path:
    """A valid image, unlike any other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(PHOTO_BYTES + (mark or str(path)).encode())
    return path


class Command:
    """The command as one person runs it, with a state file of its own."""

    def __init__(self, folder: Path, url: str, token: str | None = None) -> None:
        self.state = folder / "state.jsonl"
        self._url = url
        self._environment = inherited() | ({"DARKROOM_TOKEN": token} if token else {})

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        options = ["--url", self._url, "--state", str(self.state)]
        return subprocess.Popen(
            [DARKROOM, "upload", *map(str, arguments), *options],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: object) -> tuple[int, str, str]:
        process = self.start(*arguments)
        out, error = process.communicate(timeout=120)
        return process.returncode, out, error

    def json(self, *arguments: object) -> tuple[int, dict[str, Any]]:
        code, out, error = self.run("--json", *arguments)
        assert out, error
        return code, json.loads(out)


@pytest.fixture
def dan(service) -> Person:
    return Person(service, "dan")


@pytest.fixture
def command(service, dan, tmp_path) -> Command:
    return Command(tmp_path, service.url, dan.tokens["accessToken"])


def images(person: Person) -> list[dict[str, Any]]:
    answer = person.http.get("/v1/images", params={"user": person.id, "limit": 100})
    return answer.json()["images"]


def test_files_and_folders_become_images_once(dan, command, tmp_path):
    photo(tmp_path / "album" / "one.jpg")
    photo(tmp_path / "album" / "deep" / "two.JPEG")
    (tmp_path / "album" / "notes.txt").write_text("no image")
    named = photo(tmp_path / "three.bin")
    fields = ["--title", "sea", "--tags", "a, b", "--tags", "c", "--visibility", "unlisted"]

    code, out, error = command.run(tmp_path / "album", named, *fields)

    assert code == 0, error
    found = {it["filename"]: it for it in images(dan)}
    assert set(found) == {"one.jpg", "two.JPEG", "three.bin"}
    for it in found.values():
        assert (it["title"], it["tags"], it["visibility"]) == ("sea", ["a", "b", "c"], "unlisted")
        assert f"{it['imageId']}  {it['url']}" in out
    digest = hashlib.sha256(named.read_bytes()).hexdigest()
    assert found["three.bin"]["checksum"] == f"sha256:{digest}"
    assert len(out.splitlines()) == 3

    again, out, _ = command.run(tmp_path / "album", named)
    assert again == 0
    assert out.count("(before)") == 3
    assert len(images(dan)) == 3

    photo(named, "changed since")
    assert command.run(named)[0] == 0
    assert len(images(dan)) == 4


def test_what_one_has_uploaded_another_has_not(service, command, tmp_path):
    file, other = photo(tmp_path / "a.jpg"), Person(service, "eve")
    assert command.run(file)[0] == 0
    signed_in = Command(tmp_path, service.url)
    assert signed_in.state == command.state

    code, done = signed_in.json(file, "--email", other.email, "--password", PASSWORD)

    assert code == 0
    assert "before" not in done["files"][0]
    assert len(images(other)) == 1


def test_one_bad_file_is_told_of_and_stops_no_other(dan, command, tmp_path):
    good, bad = photo(tmp_path / "good.jpg"), tmp_path / "bad.jpg"
    bad.write_bytes(b"no image at all")
    empty = tmp_path / "empty.jpg"
    empty.touch()

    code, done = command.json(bad, good, empty)

    assert code == 1
    assert (done["uploaded"], done["failed"]) == (1, 2)
    codes = {Path(it["file"]).name: it.get("code") for it in done["files"]}
    assert codes == {"good.jpg": None, "bad.jpg": "unsupported_format", "empty.jpg": "validation"}
    assert f"{bad}  unsupported_format: " in command.run(bad)[1]
    assert len(images(dan)) == 1


def test_a_run_that_was_killed_goes_on_where_it_stood(dan, command, tmp_path):
    for n in range(30):
        photo(tmp_path / "album" / f"{n}.jpg")
    process = command.start(tmp_path / "album", "--parallel", 3)
    for _ in range(5):
        assert process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate()

    code, done = command.json(tmp_path / "album")

    assert code == 0
    before = sum(it.get("before", False) for it in done["files"])
    print(f"\n{before} of 30 were there before")
    assert 5 <= before < 30
    assert len(images(dan)) == 30
    assert len({it["filename"] for it in images(dan)}) == 30


def test_wrong_usage(command, tmp_path):
    file = photo(tmp_path / "a.jpg")
    (tmp_path / "empty").mkdir()
    for arguments in (
        [],
        [tmp_path / "missing.jpg"],
        [tmp_path / "empty"],
        [file, "--parallel", 0],
    ):
        assert command.run(*arguments)[0] == 2
    nobody = Command(tmp_path, "http://127.0.0.1:1")
    assert nobody.run(file)[0] == 2
    code, out, error = Command(tmp_path, "http://127.0.0.1:1", "t").run(file, "--patience", 0)
    assert (code, out) == (1, "")
    assert "unreachable" in error


def test_a_wrong_token_ends_the_run_at_once(service, tmp_path):
    file = photo(tmp_path / "a.jpg")
    code, out, error = Command(tmp_path, service.url, "nonsense").run(file)
    assert (code, out) == (1, "")
    assert "unauthenticated" in error


def test_the_servers_own_commands_do_not_mind_the_token(service):
    environment = os.environ | {"DARKROOM_TOKEN": "t", "DARKROOM_URL": "http://u"}
    command = [DARKROOM, "status", "--data", str(service.data)]
    assert (
        subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0
    )


@pytest.fixture
def moody():
    server = Moody()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def large(tmp_path) -> Path:
    file = tmp_path / "large.jpg"
    file.write_bytes(os.urandom(450_000))
    return file


def test_parts_arrive_through_outages_and_rate_limits(moody, large, tmp_path):
    moody.moods = {
        "GET /v1/me": [None],
        "POST /v1/uploads": [(503, {"Retry-After": "1"}), None, (429, {"Retry-After": "1"})],
        "PUT /part/2": [(500, {}), None],
        "POST /v1/images": [(409, {"Retry-After": "1"}), (503, {})],
    }

    code, done = Command(tmp_path, moody.url, "t1").json(large)

    assert (code, done["failed"]) == (0, 0), done
    assert b"".join(moody.parts[n] for n in range(1, 6)) == large.read_bytes()
    assert len(moody.parts[5]) == 50_000
    assert "PUT /whole" not in moody.asked
    assert len(set(moody.keys)) == 1, (
        "one promise has one idempotency key, however often it is made"
    )


def test_the_next_run_sends_the_parts_that_are_missing(moody, large, tmp_path):
    command = Command(tmp_path, moody.url, "t1")
    moody.moods = {"PUT /part/4": [(503, {})] * 9}
    code, done = command.json(large, "--patience", 0.2)
    assert (code, done["files"][0]["code"]) == (1, "moody")
    assert set(moody.parts) == {1, 2, 3}
    moody.moods.clear()
    moody.asked.clear()

    code, done = command.json(large)

    assert code == 0
    assert moody.asked == [
        "GET /v1/me",
        "GET /v1/uploads/upl_1",
        "PUT /part/4",
        "PUT /part/5",
        "POST /v1/images",
    ]
    assert b"".join(moody.parts[n] for n in range(1, 6)) == large.read_bytes()
    assert command.json(large)[1]["files"][0]["before"] is True


def test_an_upload_that_expired_meanwhile_is_begun_anew(moody, large, tmp_path):
    command = Command(tmp_path, moody.url, "t1")
    moody.moods = {"PUT /part/1": [(503, {})] * 9}
    assert command.json(large, "--patience", 0.2)[0] == 1
    moody.moods.clear()
    moody.status = "expired"

    assert command.json(large)[0] == 0
    assert moody.asked.count("POST /v1/uploads") == 2


def test_a_refusal_is_not_asked_for_twice(moody, large, tmp_path):
    moody.moods = {"POST /v1/uploads": [(413, {})]}
    code, done = Command(tmp_path, moody.url, "t1").json(large)
    assert (code, done["files"][0]["code"]) == (1, "moody")
    assert moody.asked.count("POST /v1/uploads") == 1


def test_a_long_run_signs_in_again(moody, large, tmp_path):
    moody.moods = {"POST /v1/images": [(401, {})]}
    given = ["--email", "a@example.org", "--password", "p"]

    code, _ = Command(tmp_path, moody.url).json(large, *given)

    assert code == 0
    assert moody.asked.count("POST /v1/auth/login") == 2
    assert moody.asked.count("POST /v1/auth/refresh") == 1
    assert moody.asked.count("POST /v1/images") == 2


def test_a_torn_line_of_the_journal_costs_only_itself(moody, large, tmp_path):
    command = Command(tmp_path, moody.url, "t1")
    assert command.json(large)[0] == 0
    with command.state.open("ab") as file:
        file.write(b'{"key": "torn')
    other = tmp_path / "other.jpg"
    other.write_bytes(os.urandom(450_000))

    assert command.json(other)[0] == 0
    _, done = command.json(large, other)

    assert all(it["before"] for it in done["files"])
    assert command.state.stat().st_mode & 0o777 == 0o600
