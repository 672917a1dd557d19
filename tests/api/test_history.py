"""History over HTTP: for the owner and nobody else, and as it was at any moment."""

import pytest

from tests.people import Person, expect, refused


@pytest.fixture(scope="module")
def told(ann: Person, dot: bytes):
    """An image with a past."""
    image = ann.upload(dot, "past.png", title="First")
    path = f"/v1/images/{image['imageId']}"
    expect(ann.http.patch(path, json={"title": "Second", "tags": ["lake"]}), 200)
    expect(ann.http.patch(path, json={"visibility": "public"}), 200)
    expect(ann.http.patch(path, json={"title": "Third"}), 200)
    return image


def events(person: Person, image, **asked):
    path = f"/v1/images/{image['imageId']}/history"
    return expect(person.http.get(path, params=asked), 200)


def test_every_event_is_told_in_order(ann, told):
    found = events(ann, told)["events"]

    assert [it["type"] for it in found] == [
        "image.upload-initiated",
        "image.finalized",
        "image.details-changed",
        "image.cleared",
        "image.details-changed",
        "image.visibility-changed",
        "image.details-changed",
    ]
    assert [it["version"] for it in found] == list(range(1, 8))
    assert {it["actor"] for it in found} == {ann.id}
    positions = [it["position"] for it in found]
    assert positions == sorted(set(positions))
    assert found[4]["data"]["changes"] == {
        "title": {"before": "First", "after": "Second"},
        "tags": {"before": [], "after": ["lake"]},
    }
    assert found[5]["data"] == {
        "visibility": "public",
        "changes": {"visibility": {"before": "private", "after": "public"}},
    }


def test_it_is_told_whole_or_by_pages_and_cursors(ann, told, admin):
    whole = events(ann, told)
    story, rest = whole["events"], {name: whole[name] for name in whole.keys() - {"events"}}
    told_whole = {"imageId": told["imageId"], "page": 1, "limit": 7, "total": 7}
    assert rest == told_whole | {"nextCursor": None}

    followed, cursor = [], {}
    while cursor is not None:
        part = events(ann, told, limit=3, **cursor)
        assert (part["limit"], part["total"]) == (3, 7)
        followed += part["events"]
        cursor = {"cursor": part["nextCursor"]} if part["nextCursor"] else None
    assert followed == story
    assert events(admin, told, limit=3, page=2)["events"] == story[3:6]
    assert events(ann, told, limit=3, page=4)["events"] == []


def test_the_image_is_as_it_was(ann, told):
    found = events(ann, told)["events"]

    for at in (found[4]["position"], found[4]["at"]):
        then = events(ann, told, at=at)
        assert then["position"] == found[4]["position"]
        assert (then["image"]["title"], then["image"]["visibility"]) == ("Second", "private")
    assert events(ann, told, at=found[0]["position"])["image"] is None
    assert events(ann, told, at=0) == {"position": None, "at": None, "image": None}
    now = expect(ann.http.get(f"/v1/images/{told['imageId']}"), 200)
    assert events(ann, told, at="2100-01-01T00:00:00Z")["image"] == now


@pytest.mark.parametrize("at", ["yesterday", "-1", "9" * 30, "2026-99-01"])
def test_what_is_no_moment_is_refused(ann, told, at):
    path = f"/v1/images/{told['imageId']}/history"

    problem = refused(ann.http.get(path, params={"at": at}), 422, "validation")

    assert problem["errors"][0]["field"] == "at"


def test_nobody_else_reads_it_though_the_image_is_public(ben, anyone, told):
    path = f"/v1/images/{told['imageId']}/history"

    refused(ben.http.get(path), 404, "not_found")
    refused(anyone.get(path), 401, "unauthenticated")


def test_the_trash_keeps_its_history_and_what_is_purged_only_its_envelope(ann, dot):
    image = ann.upload(dot, "canary-file.png", title="canary-title")
    path = f"/v1/images/{image['imageId']}"
    expect(ann.http.delete(path), 200)
    assert events(ann, image)["events"][-1]["type"] == "image.soft-deleted"
    answer = ann.http.post(f"{path}/purge")
    expect(answer, 202)

    while True:  # until the key is destroyed: the receipt says when
        receipt = expect(ann.http.get(answer.json()["receiptUrl"]), 200)
        if receipt["complete"]:
            break
    whole = events(ann, image)

    assert whole["events"][-1]["type"] == "image.purged"
    assert "canary" not in str(whole)
    then = events(ann, image, at=whole["events"][1]["position"])
    assert "canary" not in str(then)


def test_the_account_has_one_too(ben):
    expect(ben.http.patch("/v1/me", json={"keepGps": True}), 200)

    found = expect(ben.http.get("/v1/me/history"), 200)["events"]

    assert found[0]["type"] == "account.registered"
    assert found[-1]["data"]["changes"] == {"keepGps": {"before": False, "after": True}}
    then = expect(ben.http.get("/v1/me/history", params={"at": found[0]["position"]}), 200)
    now = expect(ben.http.get("/v1/me"), 200)
    assert then["account"] == now | {"keepGps": False, "presets": {}, "suspended": False}
    assert "password" not in str(found).lower()
