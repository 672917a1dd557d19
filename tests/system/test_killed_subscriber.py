"""A subscriber to the feed that is killed a hundred times, while people write."""

import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests import mortal
from tests.people import Person, eventually, expect, sample
from tests.subscriber import subscribe

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(300)]

LIVES = 100
LONGEST = 0.3
"""Seconds of a life; every other one begins to count with the first event that is told."""
DOT = sample("valid/sharp__2x2_fdcce6.png")


class Busy(threading.Thread):
    """Writes as fast as it is answered: new images, and new titles for them."""

    def __init__(self, person: Person, visibility: str) -> None:
        super().__init__(daemon=True)
        self.http = person.service.client(person.tokens["accessToken"])
        self.visibility = visibility
        self.over = threading.Event()
        self.images: list[str] = []
        self.writes = 0

    def run(self) -> None:
        while not self.over.is_set():
            files = {"file": (f"{self.writes}.png", DOT)}
            asked = {"visibility": self.visibility}
            image = expect(self.http.post("/v1/images", files=files, data=asked), 201)["imageId"]
            self.images.append(image)
            for _ in range(5):
                path, self.writes = f"/v1/images/{image}", self.writes + 1
                expect(self.http.patch(path, json={"title": str(self.writes)}), 200)

    def end(self) -> None:
        self.over.set()
        self.join()


@pytest.fixture
def reader(hurt):
    return Person(hurt, "reader")


def test_told_each_position_once_and_in_order_however_often_it_is_killed(hurt, reader, tmp_path):
    begin = int(reader.http.get("/v1/me/history").json()["events"][-1]["position"])
    notes = tmp_path / "positions"
    notes.write_text(f"{begin}\n")
    own = Busy(reader, "private")
    hidden, shown = Busy(Person(hurt, "shy"), "private"), Busy(Person(hurt, "frank"), "public")
    chance = random.Random(1)  # noqa: S311 - to be repeated

    for busy in (own, hidden, shown):
        busy.start()
    progress = set()
    for number in range(LIVES):
        last = positions(notes)[-1]
        with born(reader, notes) as life:
            if number % 2:
                eventually(lambda last=last: positions(notes)[-1] > last)
            time.sleep(chance.uniform(0, LONGEST))
            life.kill()
        progress.add(positions(notes)[-1])
    for busy in (own, hidden, shown):
        busy.end()
    end = int(reader.http.patch("/v1/me", json={"keepGps": True}).headers["darkroom-position"])
    with born(reader, notes) as life:
        eventually(lambda: positions(notes)[-1] == end)
        life.kill()

    seen = positions(notes)[1:]
    story = {}
    for position, _, data in subscribe(reader.http, begin):
        story[position] = data
        if position == end:
            break
    assert seen == sorted(set(seen)), "in order, and each once"
    assert set(seen) <= set(story), "only what may be seen"
    missed = [data for position, data in story.items() if position not in set(seen)]
    about = {data["streamId"] for data in story.values()}
    assert not [it for it in missed if it["actor"]], "of one's own nothing is missing"
    assert {it["type"] for it in missed} <= {"image.finalized"}, "seen once it was cleared"
    assert {*own.images, *shown.images} <= about
    assert about.isdisjoint(hidden.images)
    print(f"{len(seen)} events in {LIVES} lives, {len(progress)} of which were told something")
    assert len(progress) > LIVES / 2


def born(reader: Person, notes: Path) -> subprocess.Popen:
    host, _, port = reader.service.url.removeprefix("http://").partition(":")
    command = [sys.executable, "-I", "-S", mortal.__file__, host, port]
    return subprocess.Popen([*command, reader.tokens["accessToken"], str(notes)])


def positions(notes: Path) -> list[int]:
    return [int(it) for it in notes.read_text().split()]
