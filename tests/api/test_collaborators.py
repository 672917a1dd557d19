"""Images lent by name: seen, found, followed and edited as far as was lent, and no further."""

import pytest

from tests.people import Person, expect, refused
from tests.subscriber import subscribe


@pytest.fixture(scope="module")
def cal(service) -> Person:
    return Person(service, "cal")


@pytest.fixture
def image(ann, dot):
    return ann.upload(dot, "lent.png", title="Seerosen", tags=["pond"])


def lend(person, image, whom, *permissions):
    path = f"/v1/images/{image['imageId']}/collaborators/{whom.id}"
    answer = person.http.put(path, json={"permissions": permissions})
    assert int(answer.headers["darkroom-position"]) > 0
    return expect(answer, 200)


def take_back(person, image, whom):
    path = f"/v1/images/{image['imageId']}/collaborators/{whom.id}"
    assert person.http.delete(path).status_code == 204


def listed(http, path="/v1/images", **asked):
    page = expect(http.get(path, params=asked | {"limit": 100}), 200)
    assert page["total"] == len(page["images"])
    return {it["imageId"] for it in page["images"]}


def test_it_is_seen_and_found_by_whom_it_is_lent_to_until_it_is_taken_back(
    ann, ben, cal, anyone, image, dot
):
    id = image["imageId"]
    shown = lend(ann, image, ben, "view")

    assert shown == {"userId": ben.id, "permissions": ["view"]}
    for route in (f"/v1/images/{id}", f"/images/{id}/thumb.webp", f"/images/{id}/metadata"):
        assert ben.http.get(route).status_code == 200
        refused(cal.http.get(route), 403, "forbidden")
    assert ben.http.get(f"/images/{id}").content == dot
    refused(ben.http.get(f"/images/{id}?download=1"), 403, "forbidden")
    assert id in listed(ben.http, user=ann.id)
    assert id in listed(ben.http, shared="true")
    assert id not in listed(ann.http, shared="true"), "one's own is not lent"
    assert id in listed(ben.http, "/v1/search", q="seerosen")
    for http in (cal.http, anyone):
        assert id not in listed(http, user=ann.id)
        assert id not in listed(http, "/v1/search", q="seerosen")
    refused(anyone.get("/v1/images", params={"shared": "true"}), 401, "unauthenticated")

    take_back(ann, image, ben)

    refused(ben.http.get(f"/v1/images/{id}"), 403, "forbidden")
    assert id not in listed(ben.http, user=ann.id) | listed(ben.http, shared="true")
    assert id not in listed(ben.http, "/v1/search", q="seerosen")


def test_a_share_made_out_to_an_account_is_found_by_it_too(ann, ben, image):
    path = f"/v1/images/{image['imageId']}/share"
    asked = {"permissions": ["download"], "sharedWith": ben.id}
    expect(ann.http.post(path, json=asked), 201)
    assert image["imageId"] not in listed(ben.http, shared="true"), "it cannot be viewed"

    share = expect(ann.http.post(path, json=asked | {"permissions": ["view"]}), 201)["shareId"]
    assert image["imageId"] in listed(ben.http, shared="true")
    assert image["imageId"] in listed(ben.http, "/v1/search", q="seerosen")

    assert ann.http.delete(f"/v1/images/{image['imageId']}/shares/{share}").status_code == 204
    assert image["imageId"] not in listed(ben.http, shared="true")


def test_who_may_edit_edits_and_does_nothing_else(ann, ben, image):
    path = f"/v1/images/{image['imageId']}"
    lend(ann, image, ben, "view", "edit")

    assert expect(ben.http.patch(path, json={"title": "Lilies"}), 200)["title"] == "Lilies"
    for method, rest, body in (
        ("PATCH", "", {"visibility": "public"}),
        ("DELETE", "", None),
        ("POST", "/purge", None),
        ("POST", "/share", {}),
        ("GET", "/collaborators", None),
        ("PUT", f"/collaborators/{ben.id}", {"permissions": ["download"]}),
        ("DELETE", f"/collaborators/{ann.id}", None),
    ):
        refused(ben.http.request(method, f"{path}{rest}", json=body), 403, "forbidden")
    lend(ann, image, ben, "view")
    refused(ben.http.patch(path, json={"title": "Roses"}), 403, "forbidden")


def test_its_owner_sees_whom_it_is_lent_to_and_they_may_give_it_back(ann, ben, cal, image):
    path = f"/v1/images/{image['imageId']}/collaborators"
    lend(ann, image, ben, "view", "download")
    lend(ann, image, cal, "view")

    found = expect(ann.http.get(path), 200)["collaborators"]
    assert {it["userId"]: it["permissions"] for it in found} == {
        ben.id: ["download", "view"],
        cal.id: ["view"],
    }
    take_back(ben, image, ben)
    (left,) = expect(ann.http.get(path), 200)["collaborators"]
    assert left["userId"] == cal.id


def test_what_cannot_be_lent_is_refused(ann, ben, image):
    path = f"/v1/images/{image['imageId']}/collaborators"
    whole = {"permissions": ["view"]}
    refused(ann.http.put(f"{path}/{ann.id}", json=whole), 409, "conflict")
    refused(ann.http.put(f"{path}/u_nonsense", json=whole), 404, "not_found")
    nobody = "u_" + "0" * 26
    refused(ann.http.put(f"{path}/{nobody}", json=whole), 404, "not_found")
    refused(ben.http.put(f"{path}/{nobody}", json=whole), 403, "forbidden")
    for body in ({}, {"permissions": []}, {"permissions": ["own"]}):
        problem = refused(ann.http.put(f"{path}/{ben.id}", json=body), 422, "validation")
        assert problem["errors"][0]["field"] == "permissions"


def test_what_is_lent_is_told_to_whom_it_is_lent_to_and_to_nobody_else(ann, ben, cal, image, dot):
    begin = expect(cal.http.get("/v1/me/history"), 200)["events"][0]["position"]
    lend(ann, image, ben, "view")
    lend(ann, image, cal, "view", "edit")
    expect(ann.http.patch(f"/v1/images/{image['imageId']}", json={"title": "Lilies"}), 200)
    take_back(ann, image, ben)
    last = ann.upload(dot, visibility="public")["imageId"]

    def told(person):
        story = []
        for _, type, data in subscribe(person.http, begin, type="image"):
            if data["streamId"] == image["imageId"]:
                story.append((type, data["data"].get("account_id")))
            if (data["streamId"], type) == (last, "image.cleared"):
                break
        return story

    assert told(ben) == [
        ("image.collaborator-added", ben.id),
        ("image.collaborator-removed", ben.id),
    ]
    assert told(cal) == [
        ("image.finalized", None),
        ("image.details-changed", None),
        ("image.cleared", None),
        ("image.collaborator-added", cal.id),
        ("image.details-changed", None),
    ]
