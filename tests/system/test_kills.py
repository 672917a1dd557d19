"""`kill -9` of each part, under uploads: what was acknowledged is there, and stays right."""

import hashlib
import os
import shutil
import threading
import time

import psycopg
import pytest

from adapters.data_folder import DataFolder
from settings import load
from tests.people import Person, eventually, sample
from tests.service import Service

pytestmark = pytest.mark.xdist_group("kills")

BEFORE = 10
"""Uploads that are acknowledged, one after another, until a part is killed amid the next ones."""
PARTS = ("api", "relay", "project", "react", "nats", "postgres", "objects")
WAITING = """
    select count(*) from development.exposures where format is not null and not developed"""
TABLES = (
    "gallery.images",
    "gallery.usage",
    "gallery.tags",
    "accounts.profiles",
    "search.texts",
    "development.exposures",
    "development.prints",
)


@pytest.fixture(scope="module")
def victim(tmp_path_factory):
    """A Darkroom of our own to be cruel to."""
    service = Service(tmp_path_factory.mktemp("victim") / "data")
    service.start()
    yield service
    service.stop()


class Uploading:
    """Uploads without pause; remembers the checksum of all that was acknowledged."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._stopped = threading.Event()
        self.acknowledged: dict[str, str] = {}
        self.unknown = 0
        self._threads = [threading.Thread(target=self._work) for _ in range(3)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        dot = sample("valid/sharp__2x2_fdcce6.png")
        with self._person.service.client(self._person.tokens["accessToken"]) as client:
            while not self._stopped.is_set():
                content = dot + os.urandom(8)  # behind the end of the picture: another checksum
                try:
                    answer = client.post("/v1/images", files={"file": ("k.png", content)})
                except Exception:
                    self.unknown += 1
                    time.sleep(0.05)
                    continue
                if answer.status_code == 201:
                    digest = hashlib.sha256(content).hexdigest()
                    self.acknowledged[answer.json()["imageId"]] = digest
                else:
                    assert answer.status_code == 503, answer.text
                    assert "retry-after" in answer.headers
                    self.unknown += 1
                    time.sleep(0.05)


@pytest.fixture(scope="module")
def uploaded(victim):
    """All that was acknowledged while every part was killed once."""
    everything: dict[str, str] = {}
    person = Person(victim, "killer")
    for part in PARTS:
        with Uploading(person) as uploading:
            eventually(lambda it=uploading: len(it.acknowledged) >= BEFORE)
            victim.kill(part)
            time.sleep(0.5)
            victim.await_ready()
            count = len(uploading.acknowledged)
            eventually(lambda it=uploading, count=count: len(it.acknowledged) > count)
        print(f"{part}: {len(uploading.acknowledged)} acknowledged, {uploading.unknown} unknown")
        everything |= uploading.acknowledged
    return person, everything


def test_everything_acknowledged_is_there_with_its_checksum(victim, uploaded):
    person, acknowledged = uploaded

    wrong = [
        id
        for id, digest in acknowledged.items()
        if hashlib.sha256(person.http.get(f"/images/{id}").content).hexdigest() != digest
    ]

    assert wrong == []
    shown = person.http.get("/v1/images", params={"user": person.id, "limit": 1}).json()
    assert shown["total"] >= len(acknowledged)


def test_a_rebuild_of_every_read_model_changes_no_row(victim, uploaded):
    _settle(victim)
    before = _rows(victim)

    done = victim.run("rebuild", "--all", "--json")

    assert done.returncode == 0, done.stderr
    _settle(victim)  # what is made later is asked for again: it is there
    after = _rows(victim)
    for table in TABLES:
        assert set(before[table]) ^ set(after[table]) == set(), table
    assert len(before["gallery.images"]) > 10


def test_after_kill_9_of_everything_the_next_start_recovers(victim, uploaded):
    person, acknowledged = uploaded
    victim.kill_everything()

    victim.start()

    person.http = victim.client(person.tokens["accessToken"])
    for id, digest in list(acknowledged.items())[:20]:
        assert hashlib.sha256(person.http.get(f"/images/{id}").content).hexdigest() == digest


def test_deleting_nats_data_while_stopped_loses_nothing(victim, uploaded):
    person, _ = uploaded
    _settle(victim)
    before = _rows(victim)
    victim.stop()
    shutil.rmtree(victim.data / "nats")

    victim.start()

    person.http = victim.client(person.tokens["accessToken"])
    _settle(victim)
    assert _rows(victim) == before
    image = person.upload(sample("valid/sharp__2x2_fdcce6.png"), title="after the loss")
    listed = person.http.get("/v1/images", params={"user": person.id, "limit": 1}).json()
    assert listed["images"][0]["imageId"] == image["imageId"]
    person.developed(image)


def _settle(service: Service) -> None:
    """Until every read model is at the head of the log and nothing waits for development."""
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline:
        ready = service.await_ready()
        waiting = _query(
            service,
            "select count(*) from development.exposures e left join development.prints p using (id)"
            " where e.format is not null and not (e.developed and p.refined)",
        )
        if waiting == [(0,)] and all(model["lag"] == 0 for model in ready["projections"]):
            return
        time.sleep(0.2)
    raise AssertionError("does not settle")


def _rows(service: Service) -> dict[str, list[tuple[str]]]:
    return {
        table: _query(service, f"select t::text from {table} t order by t::text")
        for table in TABLES
    }


def _query(service: Service, query: str) -> list[tuple]:
    url = load(DataFolder(service.data).endpoints()).database_url
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()
