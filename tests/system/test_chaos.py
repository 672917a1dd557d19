"""Everything at once: reads and writes, while projectors die, NATS forgets, and rebuilds run.

No read is wrong or goes backwards for who wrote it; at the end every read model is what a fresh
replay of the log makes, and every acknowledged write is in it. `DARKROOM_CHAOS_SECONDS` is for how
long, 60 if it is not set.
"""

import asyncio
import os
import shutil
import threading
import time
from collections import Counter
from contextlib import suppress

import httpx
import msgspec
import nats
import psycopg
import pytest

from adapters.data_folder import DataFolder
from adapters.jetstream import Names
from bootstrap import replaying
from projections.projection import PROJECTIONS
from settings import load
from tests.conftest import ADMINISTRATOR
from tests.people import Person
from tests.service import Service
from tests.writer import Writer

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(3_600)]

SECONDS = float(os.environ.get("DARKROOM_CHAOS_SECONDS", "60"))
WRITERS = 3
REBUILDING = min(60.0, SECONDS / 6)
"""Seconds between one `darkroom rebuild --all` and the next."""
PAUSE = min(6.0, SECONDS / 24)
"""Seconds between one blow and the next."""


class Chaos:
    """Hurts a service, over and over, each way in its turn."""

    def __init__(self, service: Service, admin: Person) -> None:
        self._service = service
        self._admin = admin
        self._over = threading.Event()
        self._rebuilding = threading.Thread(target=self.rebuild_all, daemon=True)
        self._rounds = 0
        self.done: Counter[str] = Counter()

    def last(self, seconds: float) -> None:
        self._rebuilding.start()
        ends = time.monotonic() + seconds
        ways = [self.kill_projectors, self.delete_streams, self.kill_reactors, self.kill_projectors]
        ways += [self.empty_nats, self.order_rebuilds, self.kill_relay, self.kill_api]
        try:
            while time.monotonic() < ends:
                for way in ways:
                    way()
                    time.sleep(PAUSE)
        finally:
            self._over.set()

    def end(self) -> None:
        """Once the last rebuild is done."""
        self._rebuilding.join(900)
        assert not self._rebuilding.is_alive()

    def kill_projectors(self) -> None:
        self.kill("project")

    def kill_reactors(self) -> None:
        """And with it whatever rebuild it was at."""
        self.kill("react")

    def kill_relay(self) -> None:
        self.kill("relay")

    def kill_api(self) -> None:
        """Not each time: until it answers again nobody writes."""
        self._rounds += 1
        if self._rounds % 3 == 1:
            self.kill("api")

    def kill(self, role: str) -> None:
        if self._service.runs(role):
            self._service.kill(role)
            self.done[role] += 1

    def order_rebuilds(self) -> None:
        """Of what an administrator asks over HTTP, one goes on where another was killed."""
        for name in PROJECTIONS:
            path = f"/v1/admin/projections/{name}/rebuild"
            with suppress(httpx.TransportError):
                self.done["ordered"] += self._admin.http.post(path).status_code == 202

    def rebuild_all(self) -> None:
        """Again where a server was away just then."""
        while not self._over.wait(REBUILDING):
            before = generations(self._service)
            while (done := self._service.run("rebuild", "--all", within=900)).returncode:
                self.done[f"{done.returncode}: {done.stderr.strip().rpartition(chr(10))[2]}"] += 1
                if self._over.wait(1):
                    return
            self.done["rebuild --all"] += before.keys().isdisjoint(generations(self._service))

    def delete_streams(self) -> None:
        """NATS loses all that it has, and then its life."""
        settings = load(DataFolder(self._service.data).endpoints())
        names = Names(settings.namespace)

        async def wipe() -> None:
            client = await nats.connect(settings.nats_url, max_reconnect_attempts=1)
            for stream in (names.stream, names.public_stream):
                await client.jetstream().delete_stream(stream)
            await client.close()

        try:
            asyncio.run(asyncio.wait_for(wipe(), 10))
            self.done["streams deleted"] += 1
        except (nats.errors.Error, nats.js.errors.Error, TimeoutError):
            self.done["streams not deleted"] += 1
        self.kill("nats")

    def empty_nats(self) -> None:
        """Its life first, and then its folder."""
        self.kill("nats")
        shutil.rmtree(self._service.data / "nats" / "jetstream", ignore_errors=True)
        self.done["folder emptied"] += 1


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
    chaos.end()

    counts = sum((writer.counts for writer in writers), Counter())
    print(f"{dict(counts)}; {dict(chaos.done)}")
    assert [it for writer in writers for it in writer.wrong] == []
    assert counts["acknowledged"] > 10 * WRITERS
    assert min(chaos.done[it] for it in ("project", "react", "relay", "api", "nats")) > 0
    assert min(chaos.done[it] for it in ("streams deleted", "folder emptied")) > 0
    assert chaos.done["rebuild --all"] > 0
    settle(hurt)
    assert asyncio.run(differences(hurt)) == []
    for writer in writers:
        writer.check()


def settle(service: Service, within: float = 900.0) -> None:
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


def generations(service: Service) -> dict[int, str]:
    """Of each read model, as it answers now."""
    names = ", ".join(f"'{name}'" for name in PROJECTIONS)
    found = query(service, f"select oid, nspname from pg_namespace where nspname in ({names})")
    assert len(found) == len(PROJECTIONS)
    return dict(found)
