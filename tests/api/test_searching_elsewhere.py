"""A whole service with Meilisearch: it finds what was written, and Postgres where it is down."""

from collections.abc import Iterator

import pytest

from tests.meili import Meilisearch
from tests.people import Person, eventually, expect, sample
from tests.service import Service

pytestmark = pytest.mark.xdist_group("meilisearch")

DOT = sample("valid/sharp__2x2_fdcce6.png")


@pytest.fixture(scope="module")
def engine() -> Iterator[Meilisearch]:
    with Meilisearch() as server:
        yield server


@pytest.fixture(scope="module")
def searching(tmp_path_factory, engine) -> Iterator[Service]:
    data = tmp_path_factory.mktemp("searching") / "data"
    running = Service(data, DARKROOM_MEILI_URL=engine.url, DARKROOM_MEILI_KEY=engine.key)
    running.start()
    yield running
    running.stop()


def test_it_finds_until_it_is_down_and_then_postgres_does(searching, engine):
    ann = Person(searching, "ann")
    image = ann.upload(DOT, title="Sommerurlaub am See", visibility="public")

    def search(text="sommerurlaup"):
        answer = ann.http.get("/v1/search", params={"q": text})
        return answer.headers["Darkroom-Search"], expect(answer, 200)["images"]

    eventually(lambda: search()[1] != [], within=30)
    assert search()[0] == "meilisearch"
    assert [it["imageId"] for it in search()[1]] == [image["imageId"]]
    told = searching.await_ready()["services"]["search"]
    assert told == {"state": "up", "name": "meilisearch", "url": engine.url}
    done = searching.run("rebuild", "search")
    assert done.returncode == 0, done.stderr
    assert search()[0] == "meilisearch"

    url = expect(ann.http.post(f"/v1/images/{image['imageId']}/purge"), 202)["receiptUrl"]
    eventually(lambda: ann.http.get(url).json()["complete"], within=30)
    assert engine.index("darkroom-images").documents == {}
    other = ann.upload(DOT, title="Herbst am Meer", visibility="public")
    engine.down = True
    found = search("Herbst")
    assert found[0] == "postgres; fallback"
    assert [it["imageId"] for it in found[1]] == [other["imageId"]]
    assert searching.await_ready()["services"]["search"]["state"] == "down"
    engine.down = False
    eventually(lambda: search("Hebrst")[0] == "meilisearch", within=30)
    assert engine.refusals == []
