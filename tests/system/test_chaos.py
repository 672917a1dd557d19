"""Everything at once: reads and writes, while projectors die, NATS forgets, and rebuilds run.

No read is wrong or goes backwards for who wrote it; at the end every read model is what a fresh
replay of the log makes, and every acknowledged write is in it. `DARKROOM_CHAOS_SECONDS` is for how
long, 60 if it is not set.
"""

import asyncio
import os
import random
import threading
import time
from collections import Counter
from uuid import uuid4

import httpx
import msgspec
import nats
import psycopg
import pytest

from adapters.embedded import DataFolder
from adapters.jetstream import Names
from bootstrap import PROJECTIONS, replaying
from settings import load
from tests.conftest import ADMINISTRATOR
from tests.people import Person, expect, sample
from tests.service import Service

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(3_600)]

SECONDS = float(os.environ.get("DARKROOM_CHAOS_SECONDS", "60"))
PIXEL = sample("valid/sharp__2x2_fdcce6.png")
WRITERS = 3
AGAIN = (httpx.TransportError,)
"""What a client of a service that is hurt sees, and sends its request again."""


class Writer(threading.Thread):
    """One account and its only client, so it knows exactly what every read has to answer."""

    def __init__(self, service: Service, number: int) -> None:
        super().__init__(daemon=True)
        self.person = Person(service, f"writer{number}")
        self.random = random.Random(number)  # noqa: S311 - to be repeated
        self.titles: dict[str, str] = {}
        """Of the images that are there."""
        self.trash: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.over = threading.Event()
        self.position = "0"

    def run(self) -> None:
        acts = [self.upload, self.change, self.change, self.delete, self.restore]
        while not self.over.is_set():
            try:
                self.random.choice(acts)()
                self.look()
            except Exception as error:
                self.wrong.append(repr(error))
                return

    def upload(self) -> None:
        title = f"{self.person.name} {uuid4().hex}"
        files = {"file": ("chaos.png", PIXEL)}
        answer = self.sent("POST", "/v1/images", files=files, data={"title": title})
        self.titles[answer.json()["imageId"]] = title

    def change(self) -> None:
        if self.titles:
            id, title = self.one(self.titles), uuid4().hex
            self.sent("PATCH", f"/v1/images/{id}", json={"title": title})
            self.titles[id] = title

    def delete(self) -> None:
        if self.titles:
            id = self.one(self.titles)
            self.sent("DELETE", f"/v1/images/{id}", gone=404)
            self.trash[id] = self.titles.pop(id)

    def restore(self) -> None:
        if self.trash:
            id = self.one(self.trash)
            self.sent("POST", f"/v1/images/{id}/restore")
            self.titles[id] = self.trash.pop(id)

    def one(self, among: dict[str, str]) -> str:
        return self.random.choice(list(among))

    def look(self) -> None:
        """What it wrote, and how much: at once, at the position that it was told."""
        listed = self.read("/v1/images", user=self.person.id, limit=100).json()
        if listed["total"] != len(self.titles):
            self.wrong.append(f"{listed['total']} images listed, not {len(self.titles)}")
        for image in listed["images"]:
            if self.titles.get(image["imageId"]) != image["title"]:
                self.wrong.append(f"listed {image['imageId']} as {image['title']}")
        if self.titles:
            id = self.one(self.titles)
            title = self.read(f"/v1/images/{id}").json()["title"]
            if title != self.titles[id]:
                self.wrong.append(f"{id} is called {title}, not {self.titles[id]}")

    def sent(self, method: str, path: str, gone: int = 0, **body) -> httpx.Response:
        """Acknowledged, however often that takes."""
        headers = {"Idempotency-Key": uuid4().hex} if method == "POST" else {}
        for attempt in range(10_000):
            try:
                answer = self.person.http.request(method, path, headers=headers, **body)
            except AGAIN:
                self.counts["unreachable"] += 1
                time.sleep(0.1)
                continue
            if answer.is_success or (attempt and answer.status_code == gone):
                self.counts["acknowledged"] += 1
                self.position = answer.headers.get("darkroom-position", self.position)
                return answer
            assert answer.status_code in (409, 503), (method, path, answer.text)
            self.counts["unavailable"] += 1
            time.sleep(0.1)
        raise AssertionError("never acknowledged")

    def read(self, path: str, **asked) -> httpx.Response:
        headers = {"Darkroom-Min-Position": self.position}
        while True:
            try:
                answer = self.person.http.get(path, params=asked, headers=headers)
            except AGAIN:
                self.counts["unreachable"] += 1
                time.sleep(0.1)
                continue
            if answer.status_code == 200:
                self.counts["read"] += 1
                return answer
            assert answer.status_code == 503, (path, answer.text)
            self.counts["unavailable"] += 1
            time.sleep(0.1)


class Chaos:
    """Hurts a service, over and over, each way in its turn."""

    def __init__(self, service: Service, admin: Person) -> None:
        self._service = service
        self._admin = admin
        self.done: Counter[str] = Counter()

    def last(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        ways = [self.kill_projectors, self.rebuild, self.forget, self.kill_reactors]
        while time.monotonic() < ends:
            for way in ways:
                way()
                time.sleep(1.5)

    def kill_projectors(self) -> None:
        self.kill("project")

    def kill_reactors(self) -> None:
        """And with it whatever rebuild it was at."""
        self.kill("react")

    def kill(self, role: str) -> None:
        if self._service.runs(role):
            self._service.kill(role)
            self.done[role] += 1

    def rebuild(self) -> None:
        for name in PROJECTIONS:
            answer = self._admin.http.post(f"/v1/admin/projections/{name}/rebuild")
            self.done["rebuild"] += answer.status_code == 202

    def forget(self) -> None:
        """NATS loses all that it has, and then its life."""
        settings = load(DataFolder(self._service.data).endpoints())
        names = Names(settings.namespace)

        async def wipe() -> None:
            client = await nats.connect(settings.nats_url, max_reconnect_attempts=1)
            for stream in (names.stream, names.public_stream):
                await client.jetstream().delete_stream(stream)
                self.done["wiped"] += 1
            await client.close()

        try:
            asyncio.run(asyncio.wait_for(wipe(), 10))
        except (nats.errors.Error, nats.js.errors.Error, TimeoutError):
            self.done["not wiped"] += 1
        self.kill("nats")


@pytest.fixture(scope="module")
def hurt(tmp_path_factory):
    service = Service(tmp_path_factory.mktemp("hurt") / "data", DARKROOM_ADMIN_EMAIL=ADMINISTRATOR)
    service.start()
    yield service
    service.stop()


def test_whatever_dies_every_answer_is_right_and_every_print_is_what_the_log_says(hurt):
    chaos = Chaos(hurt, Person(hurt, "admin", ADMINISTRATOR))
    writers = [Writer(hurt, number) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    chaos.last(SECONDS)
    for writer in writers:
        writer.over.set()
    for writer in writers:
        writer.join(120)
        assert not writer.is_alive()

    counts = sum((writer.counts for writer in writers), Counter())
    print(f"{dict(counts)}; {dict(chaos.done)}")
    assert [it for writer in writers for it in writer.wrong] == []
    assert counts["acknowledged"] > 10 * WRITERS
    assert min(chaos.done[it] for it in ("project", "react", "nats", "wiped", "rebuild")) > 0
    settle(hurt)
    different = asyncio.run(differences(hurt))
    assert different == []
    for writer in writers:
        for id, title in writer.titles.items():
            found = expect(writer.person.http.get(f"/v1/images/{id}"), 200)
            assert found["title"] == title, "acknowledged, and lost"
        for id in writer.trash:
            assert writer.person.http.get(f"/v1/images/{id}").status_code == 404


def settle(service: Service, within: float = 180.0) -> None:
    """Until no rebuild waits and every read model is at the end of the log."""
    deadline = time.monotonic() + within
    while True:
        ready = service.await_ready(within)
        rows = query(service, "select count(*) from upkeep.rebuilds where finished_at is null")
        if rows == [(0,)] and all(it["lag"] == 0 for it in ready["projections"]):
            assert all(it["parked"] == 0 for it in ready["projections"])
            return
        assert time.monotonic() < deadline, (rows, ready)
        time.sleep(0.5)


async def differences(service: Service) -> list[str]:
    """Between each row of each read model and what the log makes of it now."""
    settings = load(DataFolder(service.data).endpoints())
    ((head,),) = query(service, "select max(notification_id) from log.darkroom_events")
    replayed = {
        (name, document.id): document
        for name, document in await replaying.models(settings, head, lambda *_: None)
    }
    found = []
    for name, projection in PROJECTIONS.items():
        decode = msgspec.json.Decoder(projection.document).decode
        table = f"{name}.{projection.table}"
        for (text,) in query(service, f"select row_to_json(d)::text from {table} d"):
            document = decode(text)
            if replayed.pop((name, document.id), None) != document:
                found.append(f"{name}: {document.id}")
    return found + [f"{name}: {id} is missing" for name, id in replayed]


def query(service: Service, text: str) -> list[tuple]:
    url = load(DataFolder(service.data).endpoints()).database_url
    with psycopg.connect(url) as connection:
        return connection.execute(text.encode()).fetchall()
