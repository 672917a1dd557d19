"""Read models as administrators see to them: over HTTP and on the command line."""

import json
from functools import partial

import psycopg
import pytest

from adapters.embedded import DataFolder
from domain.ids import from_text
from projections.projection import ALL
from settings import load
from tests.people import Person, eventually, expect, refused

MODELS = "/v1/admin/projections"


@pytest.fixture
def database(service):
    url = load(DataFolder(service.data).endpoints()).database_url
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def poison(database):
    """The word that no row of the gallery may hold, as a projector with a mistake in it fails."""
    database.execute("""
        create function public.fail() returns trigger language plpgsql as
        $$ begin raise exception 'a mistake'; end $$""")
    database.execute("""
        create trigger poison before insert or update on gallery.images for each row
        when (new.title = 'poison') execute function public.fail()""")
    yield "poison"
    database.execute("drop function public.fail() cascade")


def _finished(admin: Person, name: str) -> bool:
    return bool(model(admin, name)["rebuild"]["state"] == "finished")


def model(admin: Person, name: str) -> dict:
    return expect(admin.http.get(f"{MODELS}/{name}"), 200)


def events(service, *arguments: str) -> tuple[int, list[dict]]:
    done = service.run("events", *arguments, "--json")
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def test_how_far_each_is(admin, ann):
    found = expect(admin.http.get(MODELS), 200)

    assert [it["name"] for it in found["projections"]] == [it.name for it in ALL]
    assert all(it["position"] <= found["head"] for it in found["projections"])
    assert model(admin, "gallery")["parkedEvents"] == []
    refused(admin.http.get(f"{MODELS}/nothing"), 404, "not_found")
    refused(ann.http.get(MODELS), 403, "forbidden")


def test_a_rebuild_that_is_ordered_is_done(admin, ann, dot):
    image = ann.upload(dot, title="still there")
    before = {it.name: model(admin, it.name)["generation"] for it in ALL}

    for it in ALL:
        answer = admin.http.post(f"{MODELS}/{it.name}/rebuild")
        assert expect(answer, 202) == {"name": it.name, "state": "ordered"}
        assert answer.headers["location"] == f"{MODELS}/{it.name}"

    for it in ALL:
        finished = partial(_finished, admin, it.name)
        eventually(finished, within=200)
        told = model(admin, it.name)
        assert told["rebuild"]["error"] is None
        assert told["rebuild"]["position"] > 0
        assert told["generation"] != before[it.name]
    found = expect(ann.http.get(f"/v1/images/{image['imageId']}"), 200)
    assert found["title"] == "still there"
    audit = expect(admin.http.get("/v1/admin/audit", params={"type": "upkeep"}), 200)
    assert audit["entries"][-1]["actor"] == admin.id
    refused(admin.http.post(f"{MODELS}/nothing/rebuild"), 404, "not_found")


def test_what_could_not_be_taken_is_shown_tried_again_and_passed_over(
    admin, ann, dot, service, database, poison
):
    id = ann.upload(dot, title="good")["imageId"]
    path = f"/v1/images/{id}"
    assert events(service, "parked") == (0, [])
    answer = ann.http.patch(path, json={"title": poison})
    assert expect(answer, 200)["title"] == poison, "the log knows better than the read model"
    expect(ann.http.patch(path, json={"visibility": "public"}), 200)
    position = int(answer.headers["darkroom-position"])

    code, (first, second) = events(service, "parked")
    assert code == 1
    assert (first["model"], first["position"]) == ("gallery", position)
    assert "a mistake" in first["error"]
    assert "an earlier event" in second["error"]
    told = model(admin, "gallery")
    assert told["parked"] == 2
    assert [it["position"] for it in told["parkedEvents"]] == [second["position"], position]
    assert "a mistake" in told["parkedEvents"][1]["error"]
    page = ann.http.get("/metrics").text
    assert 'darkroom_projection_parked{model="gallery"} 2.0' in page
    assert 'darkroom_projection_lag{model="gallery"}' in page
    code, (tried,) = events(service, "retry", str(position))
    assert code == 1
    assert "a mistake" in tried["error"]
    assert service.run("events", "retry", "1").returncode == 1

    code, (tried,) = events(service, "skip", str(position), "--reason", "a broken title")

    assert (code, tried["taken"], tried["error"]) == (0, 2, None)
    assert row(database, id) == ("good", "public")
    assert events(service, "parked") == (0, [])
    assert service.run("rebuild", "gallery").returncode == 0
    assert row(database, id) == ("good", "public"), "in no later generation either"
    audit = expect(admin.http.get("/v1/admin/audit", params={"type": "upkeep.event-skipped"}), 200)
    assert audit["entries"][-1]["data"]["reason"] == "a broken title"


def test_what_was_mended_is_taken_after_all(ann, dot, service, database, poison):
    id = ann.upload(dot, title="good")["imageId"]
    expect(ann.http.patch(f"/v1/images/{id}", json={"title": poison}), 200)
    database.execute("drop trigger poison on gallery.images")

    code, (tried,) = events(service, "retry", "--all")

    assert (code, tried["taken"]) == (0, 1)
    assert row(database, id) == (poison, "private")
    expect(ann.http.patch(f"/v1/images/{id}", json={"title": "fine"}), 200)
    assert row(database, id) == ("fine", "private")


def row(database, image_id: str) -> tuple[str, str]:
    query = "select title, visibility from gallery.images where id = %s"
    return database.execute(query, (from_text("img", image_id),)).fetchone()
