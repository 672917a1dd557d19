"""Near duplicates over HTTP: what looks alike, of what one may see."""

import pytest

from tests.adapters.test_likeness import CHANGED, painted
from tests.people import Person, expect, refused


@pytest.fixture(scope="module")
def pictures(service):
    """By name: one picture in several ways, and another one; all public but one."""
    owner = Person(service, "alike")
    first = painted(1)
    images = {
        "first": first,
        "resized": CHANGED["resized"](first),
        "grey": CHANGED["grey"](first),
        "trimmed": CHANGED["trimmed"](first),
        "hidden": CHANGED["enlarged"](first),
        "cropped": first.crop(200, 150, 300, 300),
        "other": painted(99),
    }
    made = {
        name: owner.upload(
            it.jpegsave_buffer(Q=60),
            f"{name}.jpg",
            visibility="private" if name == "hidden" else "public",
            title=name,
        )
        for name, it in images.items()
    }
    return {name: owner.developed(it) for name, it in made.items()} | {"owner": owner}


def similar(http, image, **asked):
    return expect(http.get(f"/v1/images/{image['imageId']}/similar", params=asked), 200)["images"]


def titles(images):
    return {image["title"] for image in images}


def test_what_looks_alike_is_found_and_nothing_else(pictures):
    found = similar(pictures["owner"].http, pictures["first"])

    assert titles(found) == {"resized", "grey", "trimmed", "hidden"}
    distances = [image["distance"] for image in found]
    assert distances == sorted(distances)
    assert all(0 <= it <= 8 for it in distances)


def test_others_see_only_what_is_theirs_to_see(pictures, anyone, ben):
    for http in (anyone, ben.http):
        assert titles(similar(http, pictures["first"])) == {"resized", "grey", "trimmed"}
    path = f"/v1/images/{pictures['hidden']['imageId']}/similar"
    refused(anyone.get(path), 403, "forbidden")


def test_the_distance_can_be_chosen(pictures):
    http, first = pictures["owner"].http, pictures["first"]

    assert {it["distance"] for it in similar(http, first, maxDistance=0)} <= {0}
    assert len(similar(http, first, maxDistance=15)) >= 4
    assert len(similar(http, first, limit=1)) == 1
    for wrong in ("-1", "16", "x"):
        answer = http.get(f"/v1/images/{first['imageId']}/similar", params={"maxDistance": wrong})
        refused(answer, 422, "validation")


def test_it_comes_in_pages(pictures, anyone):
    http, path = anyone, f"/v1/images/{pictures['first']['imageId']}/similar"
    whole = expect(http.get(path), 200)
    assert (whole["page"], whole["limit"], whole["total"], whole["nextCursor"]) == (1, 20, 3, None)

    first = expect(http.get(path, params={"limit": 2}), 200)
    second = expect(http.get(path, params={"limit": 2, "cursor": first["nextCursor"]}), 200)

    assert first["images"] + second["images"] == whole["images"]
    assert (second["page"], second["total"], second["nextCursor"]) == (2, 3, None)
    beyond = expect(http.get(path, params={"limit": 2, "page": 3}), 200)
    assert (beyond["images"], beyond["total"], beyond["nextCursor"]) == ([], 3, None)
    flat = expect(http.get(path, params={"maxDistance": 0}), 200)
    assert flat["total"] == len(flat["images"])


def test_flat_pictures_are_like_nothing(ann, dot):
    images = [ann.developed(ann.upload(dot, f"{n}.png", visibility="public")) for n in range(2)]

    assert similar(ann.http, images[0]) == []


def test_what_is_deleted_is_not_found(service):
    owner = Person(service, "gone")
    body = painted(55).jpegsave_buffer(Q=60)
    one, other = (owner.developed(owner.upload(body, f"{n}.jpg")) for n in range(2))
    assert [it["imageId"] for it in similar(owner.http, one)] == [other["imageId"]]

    expect(owner.http.delete(f"/v1/images/{other['imageId']}"), 200)

    assert similar(owner.http, one) == []
