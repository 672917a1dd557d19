"""Read models as administrators see to them: over HTTP and on the command line."""

import json
from functools import partial

import psycopg
import pytest

from adapters.data_folder import DataFolder
from domain.ids import from_text
from projections.projection import ALL
from settings import load
from tests.people import Person, eventually, expect, refused

MODELS = "/v1/admin/projections"
PARKED = "/v1/admin/parked-events"


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


def test_an_administrator_sees_to_what_is_parked_from_afar(admin, ann, dot, database, poison):
    path = f"/v1/images/{ann.upload(dot, title='good')['imageId']}"
    spoilt = ann.http.patch(path, json={"title": poison})
    later = ann.http.patch(path, json={"visibility": "public"})
    first, second = (int(it.headers["darkroom-position"]) for it in (spoilt, later))

    page = expect(admin.http.get(PARKED, params={"limit": 1}), 200)
    rest = expect(admin.http.get(PARKED, params={"cursor": page["nextCursor"]}), 200)

    second_page = expect(admin.http.get(PARKED, params={"limit": 1, "page": 2}), 200)
    assert second_page == rest | {"page": 2, "limit": 1}
    assert (page["page"], page["total"], rest["total"]) == (1, 2, 2)
    found = page["parkedEvents"] + rest["parkedEvents"]
    assert [(it["readModel"], it["position"]) for it in found] == [
        ("gallery", first),
        ("gallery", second),
    ]
    assert found[0]["type"] == "image.details-changed"
    assert "a mistake" in found[0]["error"]
    assert rest["nextCursor"] is None
    failed = expect(admin.http.post(f"{PARKED}/{first}/retry"), 200)["results"]
    assert (failed[0]["readModel"], failed[0]["taken"]) == ("gallery", 0)
    assert "a mistake" in failed[0]["error"]
    answer = admin.http.post(f"{PARKED}/{first}/skip", json={"reason": "a broken title"})
    assert expect(answer, 200) == {
        "position": first,
        "results": [{"readModel": "gallery", "taken": 2, "error": None}],
    }
    assert expect(admin.http.get(PARKED), 200)["parkedEvents"] == []
    assert expect(ann.http.get(path), 200)["visibility"] == "public"
    audit = expect(admin.http.get("/v1/admin/audit", params={"type": "upkeep"}), 200)["entries"]
    acts = [(it["type"], it["data"]["position"], it["actor"]) for it in audit[-2:]]
    assert acts == [
        ("upkeep.event-retried", first, admin.id),
        ("upkeep.event-skipped", first, admin.id),
    ]
    assert audit[-1]["data"]["reason"] == "a broken title"


def test_nobody_sees_to_what_is_not_parked(admin, ann):
    for position in ("1", "0", "x", "9" * 20):
        refused(admin.http.post(f"{PARKED}/{position}/retry"), 404, "not_found")
        skip = admin.http.post(f"{PARKED}/{position}/skip", json={"reason": "why"})
        refused(skip, 404, "not_found")
    refused(admin.http.get(PARKED, params={"cursor": "x"}), 422, "validation")
    refused(admin.http.post(f"{PARKED}/1/skip", json={"reason": ""}), 422, "validation")
    refused(ann.http.get(PARKED), 403, "forbidden")


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
