"""Point-in-time restore over HTTP: an album and an account as they were, and what could not be."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from adapters.embedded import DataFolder
from domain.ids import from_text
from settings import load
from tests.api.test_albums import new_album
from tests.people import Person, expect, refused


@pytest.fixture
def gil(service) -> Person:
    return Person(service, "gil")


def position(answer) -> int:
    assert answer.is_success, answer.text
    return int(answer.headers["darkroom-position"])


@contextmanager
def held_back(service, table, image):
    """A read model does not get past what happens to the image meanwhile, as under load."""
    url = load(DataFolder(service.data).endpoints()).database_url
    with psycopg.connect(url) as connection:
        query = f"select from {table} where id = %s for update"
        connection.execute(query, (from_text("img", image),))
        yield


def test_an_account_as_it_was(gil, dot, service):
    kept, thrown, purged = (gil.upload(dot, title=f"old {n}", tags=["old"]) for n in range(3))
    album = new_album(gil, "Old")["albumId"]
    at = position(gil.http.patch("/v1/me", json={"duplicates": "return"}))
    gil.http.patch("/v1/me", json={"duplicates": "keep"})
    late = gil.upload(dot, title="late")["imageId"]
    anew = {"title": "new", "tags": [], "visibility": "public"}
    for id in (kept["imageId"], late):
        expect(gil.http.patch(f"/v1/images/{id}", json=anew), 200)
    gil.http.patch(f"/v1/albums/{album}", json={"title": "New"})
    expect(gil.http.delete(f"/v1/images/{thrown['imageId']}"), 200)
    with held_back(service, "search.texts", purged["imageId"]):
        expect(gil.http.post(f"/v1/images/{purged['imageId']}/purge"), 202)
        trial = {"at": at, "dryRun": True}
        tried = expect(gil.http.post("/v1/me/restore-to", json=trial), 200)

    assert tried["operationId"] is None
    assert expect(gil.http.get(f"/v1/images/{kept['imageId']}"), 200)["title"] == "new"
    key = {"Idempotency-Key": "back"}
    done = expect(gil.http.post("/v1/me/restore-to", json={"at": at}, headers=key), 200)

    assert done["results"] == tried["results"]
    by_id = {next(iter(it.values())): it for it in done["results"]}
    images = [it["imageId"] for it in (kept, thrown, purged)]
    assert by_id.keys() == {gil.id, album, *images}
    assert by_id[purged["imageId"]]["error"]["code"] == "cannot_be_undone"
    found = expect(gil.http.get(f"/v1/images/{kept['imageId']}"), 200)
    assert (found["title"], found["tags"], found["visibility"]) == ("old 0", ["old"], "public")
    assert expect(gil.http.get(f"/v1/images/{thrown['imageId']}"), 200)["title"] == "old 1"
    assert expect(gil.http.get(f"/v1/images/{late}"), 200)["title"] == "new"
    assert expect(gil.http.get(f"/v1/albums/{album}"), 200)["title"] == "Old"
    assert expect(gil.http.get("/v1/me"), 200)["duplicates"] == "return"
    again = expect(gil.http.post("/v1/me/restore-to", json={"at": at}), 200)
    assert not [it for it in again["results"] if it.get("changed")]
    history = expect(gil.http.get(f"/v1/images/{kept['imageId']}/history"), 200)["events"]
    assert history[-1]["operationId"] == done["operationId"], "nothing of the past is touched"


def test_nothing_that_was_written_is_missed_where_read_models_are_late(gil, dot, service):
    id = gil.upload(dot, title="old")["imageId"]
    path = f"/v1/images/{id}"
    at = position(gil.http.patch("/v1/me", json={"duplicates": "return"}))
    with ThreadPoolExecutor() as pool:
        with held_back(service, "gallery.images", id):
            expect(gil.http.patch(path, json={"title": "new"}), 200)
            trial = {"at": at, "dryRun": True}
            restoring = pool.submit(gil.http.post, "/v1/me/restore-to", json=trial)
            with pytest.raises(TimeoutError):
                restoring.result(0.5)
        results = expect(restoring.result(60), 200)["results"]
    assert id in {it.get("imageId") for it in results}


def test_an_album_as_it_was(gil, ben, dot):
    album = new_album(gil, "Old")["albumId"]
    first, second, third = (gil.upload(dot)["imageId"] for _ in range(3))
    path = f"/v1/albums/{album}"
    gil.http.put(f"{path}/images/{first}")
    at = position(gil.http.put(f"{path}/images/{second}"))
    gil.http.delete(f"{path}/images/{first}")
    gil.http.put(f"{path}/images/{third}")
    gil.http.patch(path, json={"title": "New", "visibility": "public"})

    then = expect(gil.http.get(f"{path}/history", params={"at": at}), 200)["album"]
    assert (then["title"], then["imageIds"]) == ("Old", [first, second])
    head = expect(gil.http.get(f"{path}/history"), 200)["events"][-1]["position"]
    gil.http.put(f"{path}/order", json={"imageIds": [third]})
    arranged = position(gil.http.patch(path, json={"description": "in order"}))
    for moment, inside in ((head, [second, third]), (arranged, [third, second])):
        found = expect(gil.http.get(f"{path}/history", params={"at": moment}), 200)["album"]
        assert found["imageIds"] == inside
    refused(ben.http.post(f"{path}/restore-to", json={"at": at}), 403, "forbidden")
    done = expect(gil.http.post(f"{path}/restore-to", json={"at": at}), 200)

    changed = {next(iter(it.values())) for it in done["results"] if it.get("changed")}
    assert changed == {album, first, third}
    inside = expect(gil.http.get(f"{path}/images"), 200)["images"]
    assert {it["imageId"] for it in inside} == {first, second}
    now = expect(gil.http.get(path), 200)
    assert (now["title"], now["visibility"]) == ("Old", "public")


def undone(person: Person, operation: str) -> dict[str, dict]:
    """What came of each thing, by its id."""
    answer = expect(person.http.post(f"/v1/operations/{operation}/undo"), 200)
    return {next(iter(it.values())): it for it in answer["results"]}


def test_what_a_return_did_is_taken_back_but_for_what_changed_since(gil, ben, dot):
    kept, thrown, touched = (gil.upload(dot, title=f"old {n}")["imageId"] for n in range(3))
    album = new_album(gil, "Old")["albumId"]
    at = position(gil.http.patch("/v1/me", json={"duplicates": "return"}))
    gil.http.patch("/v1/me", json={"duplicates": "keep"})
    for id in (kept, touched):
        gil.http.patch(f"/v1/images/{id}", json={"title": "new", "tags": ["new"]})
    gil.http.patch(f"/v1/albums/{album}", json={"title": "New"})
    expect(gil.http.delete(f"/v1/images/{thrown}"), 200)
    operation = expect(gil.http.post("/v1/me/restore-to", json={"at": at}), 200)["operationId"]
    gil.http.patch(f"/v1/images/{touched}", json={"title": "newest"})

    refused(ben.http.post(f"/v1/operations/{operation}/undo"), 404, "not_found")
    found = undone(gil, operation)

    assert {id for id, it in found.items() if it.get("changed")} == {gil.id, album, kept, thrown}
    assert found[touched]["error"]["code"] == "changed_since"
    image = expect(gil.http.get(f"/v1/images/{kept}"), 200)
    assert (image["title"], image["tags"]) == ("new", ["new"])
    assert expect(gil.http.get(f"/v1/images/{touched}"), 200)["title"] == "newest"
    refused(gil.http.get(f"/v1/images/{thrown}"), 404, "not_found")
    expect(gil.http.post(f"/v1/images/{thrown}/restore"), 200)
    assert expect(gil.http.get(f"/v1/albums/{album}"), 200)["title"] == "New"
    assert expect(gil.http.get("/v1/me"), 200)["duplicates"] == "keep"


def test_what_an_album_was_put_back_to_is_taken_back(gil, ben, dot):
    album = new_album(gil, "Old")["albumId"]
    path = f"/v1/albums/{album}"
    lent = {"permissions": ["view", "edit"]}
    assert gil.http.put(f"{path}/collaborators/{ben.id}", json=lent).is_success
    first, second = (gil.upload(dot)["imageId"] for _ in range(2))
    at = position(gil.http.put(f"{path}/images/{first}"))
    gil.http.delete(f"{path}/images/{first}")
    theirs = ben.upload(dot)["imageId"]
    for person, id in ((gil, second), (ben, theirs)):
        assert person.http.put(f"{path}/images/{id}").is_success
    gil.http.patch(path, json={"title": "New"})
    done = expect(gil.http.post(f"{path}/restore-to", json={"at": at}), 200)
    inside = expect(gil.http.get(f"{path}/images"), 200)["images"]
    assert {it["imageId"] for it in inside} == {first}

    found = undone(gil, done["operationId"])

    assert {id for id, it in found.items() if it.get("changed")} >= {album, first, second}
    inside = expect(gil.http.get(f"{path}/images"), 200)["images"]
    assert {it["imageId"] for it in inside} >= {second}
    assert first not in {it["imageId"] for it in inside}
    assert expect(gil.http.get(path), 200)["title"] == "New"


def test_moments_that_are_none(gil):
    for at in ("yesterday", "", None):
        refused(gil.http.post("/v1/me/restore-to", json={"at": at}), 422, "validation")
