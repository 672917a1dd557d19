"""Lists: every filter, every sort, and never what is not the caller's to see."""

import pytest

from tests.people import EACH_FORMAT, Person, expect, refused, sample


@pytest.fixture(scope="module")
def owner(service):
    return Person(service, "lister")


@pytest.fixture(scope="module")
def images(owner, dot):
    """By title; made in this order."""
    given = [
        ("beta", dot, {"tags": ["red", "a,b"], "custom": {"camera": "X"}}),
        ("Alpha", sample("valid/sharp__with-alpha.png"), {"tags": ["red", "blue"]}),
        ("gamma", sample(EACH_FORMAT["gif"]), {"tags": ["e\u0301"], "custom": {"camera": "Y"}}),
        ("delta", sample(EACH_FORMAT["jpeg"]), {"visibility": "unlisted"}),
        ("epsilon", dot, {"visibility": "private", "custom": {"camera": "X", "lens": "50"}}),
    ]
    made = {}
    for title, content, fields in given:
        fields = {"visibility": "public"} | fields
        made[title] = owner.upload(content, f"{title}.bin", title=title, **fields)
    return made


PUBLIC, ALL = {"beta", "Alpha", "gamma"}, {"beta", "Alpha", "gamma", "delta", "epsilon"}


def listed(http, path="/v1/images", **asked):
    page = expect(http.get(path, params=asked), 200)
    assert page["total"] == len(page["images"])
    assert set(page) == {"images", "page", "limit", "total", "nextCursor"}
    return [image["title"] for image in page["images"]]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ALL),
        ({"tag": "red"}, {"beta", "Alpha"}),
        ({"tag": ["red", "blue"]}, {"Alpha"}),
        ({"tag": "a,b"}, {"beta"}),
        ({"tag": "é"}, {"gamma"}),
        ({"tag": " red "}, {"beta", "Alpha"}),
        ({"tag": "Red"}, set()),
        ({"tag": ["red", "nothing"]}, set()),
        ({"format": "png"}, {"beta", "Alpha", "epsilon"}),
        ({"format": "jpeg"}, {"delta"}),
        ({"format": "jpg"}, {"delta"}),
        ({"format": "avif"}, set()),
        ({"visibility": "public"}, PUBLIC),
        ({"visibility": "unlisted"}, {"delta"}),
        ({"visibility": "private"}, {"epsilon"}),
        ({"minWidth": 3}, {"Alpha", "gamma", "delta"}),
        ({"minWidth": 0}, ALL),
        ({"minWidth": 10**9}, set()),
        ({"custom.camera": "X"}, {"beta", "epsilon"}),
        ({"custom.camera": "X", "custom.lens": "50"}, {"epsilon"}),
        ({"custom.camera": "Z"}, set()),
        ({"q": "alp"}, {"Alpha"}),
        ({"q": "red"}, {"beta", "Alpha"}),
        ({"q": "gamma bin"}, {"gamma"}),
        ({"q": "!!!"}, set()),
        ({"from": "2020-01-01"}, ALL),
        ({"to": "2020-01-01"}, set()),
        ({"from": "2020-01-01T00:00:00", "to": "2999-12-31T23:59:59.5+02:00"}, ALL),
        ({"status": "ready"}, ALL),
        ({"status": "deleted"}, set()),
        ({"tag": "red", "format": "png", "minWidth": 3, "q": "alpha"}, {"Alpha"}),
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value),
)
def test_a_filter_finds_exactly_these(owner, anyone, images, asked, found):
    assert set(listed(owner.http, user=owner.id, **asked)) == found
    if "status" not in asked:
        assert set(listed(anyone, user=owner.id, **asked)) == found & PUBLIC


def test_every_address_of_the_list_is_the_same_list(owner, anyone, images):
    by_user = f"/v1/users/{owner.id}/images"
    for http, expected in ((owner.http, ALL), (anyone, PUBLIC)):
        assert set(listed(http, "/images", user=owner.id)) == expected
        assert set(listed(http, by_user)) == expected
        assert set(listed(http, by_user, tag="red")) == expected & {"beta", "Alpha"}


def test_a_moment_divides_the_list(owner, images):
    moment = images["gamma"]["createdAt"]

    assert set(listed(owner.http, user=owner.id, **{"from": moment})) == {
        "gamma",
        "delta",
        "epsilon",
    }
    assert set(listed(owner.http, user=owner.id, to=moment)) == {"beta", "Alpha"}


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("newest", ["epsilon", "delta", "gamma", "Alpha", "beta"]),
        ("oldest", ["beta", "Alpha", "gamma", "delta", "epsilon"]),
        ("title", ["Alpha", "beta", "delta", "epsilon", "gamma"]),
        ("most_viewed", None),
        ("largest", None),
    ],
)
def test_a_sort_puts_them_in_order(owner, images, sort, order):
    found = listed(owner.http, user=owner.id, sort=sort)

    assert set(found) == ALL
    assert order is None or found == order
    if sort == "largest":
        sizes = [images[title]["size"] for title in found]
        assert sizes == sorted(sizes, reverse=True)


@pytest.fixture(scope="module")
def hider(service):
    return Person(service, "hider")


@pytest.fixture(scope="module")
def hidden(hider, dot):
    fields = {"title": "secret", "tags": ["hidden"], "custom": {"k": "hidden"}}
    ways = ("private", "unlisted")
    return {hider.upload(dot, visibility=way, **fields)["imageId"] for way in ways}


HIDDEN = [
    *({}, {"visibility": "private"}, {"visibility": "unlisted"}, {"q": "secret"}),
    *({"tag": "hidden"}, {"custom.k": "hidden"}, {"sort": "title"}, {"format": "png"}),
]


@pytest.mark.parametrize("asked", HIDDEN, ids=str)
def test_nobody_finds_anothers_private_or_unlisted_images(hider, ben, anyone, hidden, asked):
    for http in (ben.http, anyone):
        for path in ("/v1/images", "/images", f"/v1/users/{hider.id}/images"):
            for more in ({}, {"user": hider.id}):
                page = expect(http.get(path, params=asked | more | {"limit": 100}), 200)
                assert not hidden & {image["imageId"] for image in page["images"]}
                assert all(image["visibility"] == "public" for image in page["images"])
    seen = expect(hider.http.get("/v1/images", params={"user": hider.id, "tag": "hidden"}), 200)
    assert hidden == {image["imageId"] for image in seen["images"]}


def test_a_list_counts_only_what_its_reader_may_see(service, anyone, dot):
    person = Person(service, "counted")
    for visibility in ("public", "private", "unlisted"):
        person.upload(dot, visibility=visibility, tags=["one"])

    for asked in ({"user": person.id}, {"user": person.id, "q": "one"}):
        assert expect(anyone.get("/v1/images", params=asked), 200)["total"] == 1
        assert expect(person.http.get("/v1/images", params=asked), 200)["total"] == 3


def test_the_trash_is_ones_own(service, ben, anyone, dot):
    person = Person(service, "trash")
    image = person.upload(dot, visibility="public")
    person.upload(dot)
    expect(person.http.delete(f"/v1/images/{image['imageId']}"), 200)

    asked = {"status": "deleted", "user": person.id}
    (shown,) = expect(person.http.get("/v1/images", params=asked), 200)["images"]
    assert (shown["imageId"], shown["status"]) == (image["imageId"], "deleted")
    assert shown["deletedAt"].endswith("Z")
    assert expect(ben.http.get("/v1/images", params=asked), 200)["images"] == []
    path = f"/v1/users/{person.id}/images"
    assert expect(ben.http.get(path, params={"status": "deleted"}), 200)["images"] == []
    refused(anyone.get("/v1/images", params=asked), 401, "unauthenticated")


@pytest.mark.parametrize(
    "asked",
    [
        {"limit": 0},
        {"limit": 101},
        {"limit": -1},
        {"page": 0},
        {"page": 10_001},
        {"limit": "x", "page": "y", "minWidth": "z"},
        {"sort": "best", "format": "bmp", "visibility": "secret", "status": "gone"},
        {"from": "yesterday", "to": "2026-13-01", "user": "me"},
        {"q": "x" * 501, "cursor": "x" * 1_001},
    ],
    ids=str,
)
def test_every_bad_parameter_is_named_at_once(anyone, asked):
    problem = refused(anyone.get("/v1/images", params=asked), 422, "validation")

    assert {error["field"] for error in problem["errors"]} == set(asked)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("sort", "best", "must be one of newest, oldest, most_viewed, largest, title, arranged"),
        ("visibility", "secret", "must be one of public, unlisted, private"),
        ("minWidth", "wide", "must be a whole number"),
        ("from", "yesterday", "must be a date, or a time like 2026-01-31T12:00:00Z"),
    ],
)
def test_what_would_be_right_is_said(anyone, field, value, message):
    problem = refused(anyone.get("/v1/images", params={field: value}), 422, "validation")

    assert problem["errors"] == [{"field": field, "message": message}]


def test_by_when_the_camera_took_it(service, dot, anyone):
    """To the second; what says nothing of it is not among them."""
    owner = Person(service, "camera")
    owner.developed(owner.upload(dot, "dot.png", title="dot", visibility="public"))
    photo = sample("exif/test-assets__datetimeoriginal-gps.jpg")
    taken = owner.developed(owner.upload(photo, "taken.jpg", title="taken", visibility="public"))
    at = expect(owner.http.get(f"/v1/images/{taken['imageId']}/metadata"), 200)["takenAt"]
    before, after = at.replace("Z", "-00:00"), at.replace("Z", ".5Z")

    for http in (owner.http, anyone):
        for asked, found in (
            ({"takenFrom": at}, ["taken"]),
            ({"takenFrom": before, "takenTo": after}, ["taken"]),
            ({"takenFrom": after}, []),
            ({"takenTo": at}, []),
            ({"takenFrom": "1990-01-01", "takenTo": "2100-01-01", "format": "jpeg"}, ["taken"]),
        ):
            assert listed(http, user=owner.id, **asked) == found, asked
    last = {"takenFrom": "9999-12-31T23:59:59.9Z"}
    refused(anyone.get("/v1/images", params=last), 422, "validation")
