"""`darkroom undo` and `darkroom rewind`, as people run them."""

import json
import subprocess

import pytest

from tests.api.test_albums import at, new_album, put
from tests.people import PASSWORD, Person, expect, sample
from tests.service import DARKROOM, inherited

DOT = sample("valid/sharp__2x2_fdcce6.png")


@pytest.fixture
def hal(service) -> Person:
    return Person(service, "hal")


def run(person: Person, *arguments: str) -> tuple[int, str]:
    """Signed in by token."""
    done = subprocess.run(
        [DARKROOM, *arguments, "--url", person.service.url],
        env=inherited() | {"DARKROOM_TOKEN": person.tokens["accessToken"]},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_what_was_done_to_many_is_taken_back_but_for_what_changed_since(hal):
    first, second = (hal.upload(DOT)["imageId"] for _ in range(2))
    act = {"action": "delete", "imageIds": [first, second]}
    operation = expect(hal.http.post("/v1/images/bulk", json=act), 200)["operationId"]
    expect(hal.http.post(f"/v1/images/{second}/restore"), 200)

    code, said = run(hal, "undo", operation)

    assert code == 1
    assert said.splitlines()[0] == f"{first}  as it was"
    assert said.splitlines()[1].startswith(f"{second}  changed_since: ")
    expect(hal.http.get(f"/v1/images/{first}"), 200)
    code, said = run(hal, "undo", "op_00000000000000000000000000")
    assert (code, said.strip()) == (1, f"{hal.service.url}: There is nothing here. (not_found)")


def test_an_album_or_everything_is_as_it_was(hal):
    album, image = new_album(hal, "Old"), hal.upload(DOT, title="Old")
    put(hal, album, image)
    renamed = hal.http.patch(at(album), json={"title": "New"})
    moment = str(int(renamed.headers["darkroom-position"]) - 1)
    expect(hal.http.patch(f"/v1/images/{image['imageId']}", json={"title": "New"}), 200)

    code, said = run(hal, "rewind", "--at", moment, "--dry-run")

    would = {f"{id}  would be as it was" for id in (album["albumId"], image["imageId"])}
    assert (code, set(said.splitlines())) == (0, would)
    assert expect(hal.http.get(at(album)), 200)["title"] == "New"
    code, said = run(hal, "rewind", "--at", moment, "--album", album["albumId"])
    assert (code, said.strip()) == (0, f"{album['albumId']}  as it was")
    assert expect(hal.http.get(at(album)), 200)["title"] == "Old"
    credentials = ("--email", hal.email, "--password", PASSWORD)
    code, said = run(hal, "rewind", "--at", moment, "--json", *credentials)
    assert code == 0
    (result,) = json.loads(said)["results"]
    assert result["imageId"] == image["imageId"]
    code, undone = run(hal, "undo", json.loads(said)["operationId"])
    assert (code, undone.strip()) == (0, f"{image['imageId']}  as it was")
    assert run(hal, "rewind", "--at", moment)[0] == 0
    assert run(hal, "rewind", "--at", moment)[1].strip() == "Everything is as it was already."
    assert run(hal, "rewind", "--at", "yesterday")[0] == 1
