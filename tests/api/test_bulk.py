"""One act upon many images, and its undoing: over HTTP, on a running Darkroom."""

import pytest

from tests.people import expect, refused


@pytest.fixture
def images(ann, dot):
    return [ann.upload(dot, tags=["old"])["imageId"] for _ in range(3)]


def act(person, images, action, **more):
    body = {"action": action, "imageIds": images, **more}
    return expect(person.http.post("/v1/images/bulk", json=body), 200)


def undo(person, operation):
    return expect(person.http.post(f"/v1/operations/{operation}/undo"), 200)


def statuses(answer):
    return [it["status"] for it in answer["results"]]


def codes(answer):
    return [it.get("error", {}).get("code") for it in answer["results"]]


def seen(person, images, field):
    return [expect(person.http.get(f"/v1/images/{it}"), 200)[field] for it in images]


def there(person, images):
    return [person.http.get(f"/v1/images/{it}").status_code for it in images]


def test_each_image_is_answered_for_itself_and_in_order(ann, ben, private, images, dot):
    strangers = ben.upload(dot)["imageId"]
    asked = [images[0], strangers, "img_nonsense", images[1], images[0]]

    answer = act(ann, asked, "delete")

    assert [it["imageId"] for it in answer["results"]] == asked
    assert statuses(answer) == [200, 403, 404, 200, 200]
    assert codes(answer) == [None, "forbidden", "not_found", None, None]
    assert there(ann, images) == [404, 404, 200]
    assert ben.http.get(f"/v1/images/{strangers}").status_code == 200


def test_a_dry_run_says_what_would_happen_and_does_nothing(ann, images):
    gone = images[0]
    expect(ann.http.delete(f"/v1/images/{gone}"), 200)

    answer = act(ann, images, "visibility", visibility="public", dryRun=True)
    unchanged = act(ann, images[1:], "visibility", visibility="private", dryRun=True)

    assert answer["operationId"] is None
    assert statuses(answer) == [404, 200, 200]
    assert [it.get("changed") for it in answer["results"]] == [None, True, True]
    assert [it["changed"] for it in unchanged["results"]] == [False, False]
    assert seen(ann, images[1:], "visibility") == ["private", "private"]


def test_deleting_is_undone_but_for_what_was_restored_or_purged_since(ann, images):
    operation = act(ann, images, "delete")["operationId"]
    expect(ann.http.post(f"/v1/images/{images[0]}/restore"), 200)
    expect(ann.http.post(f"/v1/images/{images[1]}/purge"), 202)

    answer = undo(ann, operation)

    assert codes(answer) == ["changed_since", "cannot_be_undone", None]
    assert answer["results"][2]["changed"] is True
    assert answer["operationId"] != operation
    assert there(ann, images) == [200, 404, 200]
    assert codes(undo(ann, operation)) == ["changed_since", "cannot_be_undone", "changed_since"]


def test_restoring_is_undone(ann, images):
    act(ann, images, "delete")
    operation = act(ann, images, "restore")["operationId"]
    assert there(ann, images) == [200, 200, 200]

    undo(ann, operation)

    assert there(ann, images) == [404, 404, 404]


def test_tags_are_added_and_removed_and_become_what_they_were(ann, images):
    expect(ann.http.patch(f"/v1/images/{images[2]}", json={"tags": ["old", "new"]}), 200)
    added = act(ann, images, "tag", tags=["new", "old", " newer "])
    assert seen(ann, images, "tags") == [["old", "new", "newer"]] * 3
    removed = act(ann, images, "untag", tags=["old"])
    assert seen(ann, images, "tags") == [["new", "newer"]] * 3

    assert codes(undo(ann, added["operationId"])) == ["changed_since"] * 3
    undo(ann, removed["operationId"])
    assert seen(ann, images, "tags") == [["old", "new", "newer"]] * 3
    expect(ann.http.patch(f"/v1/images/{images[0]}", json={"title": "another thing"}), 200)
    undo(ann, added["operationId"])
    assert seen(ann, images, "tags") == [["old"], ["old"], ["old", "new"]]


def test_nobody_gets_more_tags_than_there_may_be(ann, images):
    expect(ann.http.patch(f"/v1/images/{images[0]}", json={"tags": [*"abcde"]}), 200)

    answer = act(ann, images, "tag", tags=[f"t{n}" for n in range(48)])

    assert codes(answer) == ["too_many_tags", None, None]


def test_visibility_is_undone_where_nobody_has_changed_it_since(ann, images):
    operation = act(ann, images, "visibility", visibility="public")["operationId"]
    expect(ann.http.patch(f"/v1/images/{images[0]}", json={"visibility": "unlisted"}), 200)

    assert codes(undo(ann, operation)) == ["changed_since", None, None]

    assert seen(ann, images, "visibility") == ["unlisted", "private", "private"]


def test_an_album_is_filled_and_emptied_again_of_what_came(ann, ben, images, dot):
    album = expect(ann.http.post("/v1/albums", json={"title": "Many"}), 201)["albumId"]
    other = expect(ann.http.post("/v1/albums", json={"title": "Other"}), 201)["albumId"]
    assert ann.http.put(f"/v1/albums/{album}/images/{images[0]}").status_code == 204
    asked = [*images, ben.upload(dot)["imageId"]]

    tried = act(ann, asked, "album", albumId=album, dryRun=True)
    answer = act(ann, asked, "album", albumId=album)

    assert statuses(answer) == statuses(tried) == [200, 200, 200, 403]
    assert [it.get("changed") for it in answer["results"]] == [False, True, True, None]
    assert seen(ann, images, "albumIds") == [[album]] * 3
    assert ann.http.put(f"/v1/albums/{other}/images/{images[1]}").status_code == 204
    assert codes(undo(ann, answer["operationId"]))[1:3] == ["changed_since", None]
    assert seen(ann, images, "albumIds") == [[album], [album, other], []]
    for id in ("alb_x", "alb_" + "0" * 26):
        body = {"action": "album", "imageIds": images, "albumId": id}
        refused(ann.http.post("/v1/images/bulk", json=body), 404, "not_found")
    body = {"action": "album", "imageIds": images, "albumId": album}
    refused(ben.http.post("/v1/images/bulk", json=body), 404, "not_found")


def test_a_purge_of_many_cannot_be_undone(ann, images):
    operation = act(ann, images, "purge")["operationId"]

    assert there(ann, images) == [404, 404, 404]
    assert codes(undo(ann, operation)) == ["cannot_be_undone"] * 3


def test_an_operation_is_its_owners(ann, ben, anyone, images):
    operation = act(ann, images, "delete")["operationId"]

    refused(ben.http.post(f"/v1/operations/{operation}/undo"), 404, "not_found")
    refused(ann.http.post("/v1/operations/op_nonsense/undo"), 404, "not_found")
    refused(anyone.post(f"/v1/operations/{operation}/undo"), 401, "unauthenticated")


def test_what_an_operation_did_is_marked_with_it(ann, admin, images):
    operation = act(ann, images, "delete")["operationId"]

    trail = admin.http.get("/v1/admin/audit", params={"stream": operation}).json()["entries"]
    deleted = admin.http.get("/v1/admin/audit", params={"stream": images[0]}).json()["entries"]

    assert trail[0]["data"]["action"] == "delete"
    assert deleted[-1]["operation"] == operation
    assert deleted[0]["operation"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "explode"}, "action"),
        ({"action": "album"}, "albumId"),
        ({"action": "tag"}, "tags"),
        ({"action": "visibility"}, "visibility"),
        ({"action": "delete", "imageIds": []}, "imageIds"),
    ],
)
def test_what_an_action_needs_is_asked_for(ann, images, body, field):
    answer = ann.http.post("/v1/images/bulk", json={"imageIds": images} | body)

    assert field in {it["field"] for it in refused(answer, 422, "validation")["errors"]}


def test_a_hundred_at_once_and_no_more(ann, images):
    answer = ann.http.post(
        "/v1/images/bulk", json={"action": "delete", "imageIds": [images[0]] * 101}
    )
    refused(answer, 413, "batch_too_large")
