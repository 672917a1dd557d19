"""One image over its life: read, changed by whoever may, deleted, restored."""

import pytest

from tests.people import expect, refused

FIELDS = {
    *("imageId", "ownerId", "title", "description", "tags", "custom", "filename", "size"),
    *("format", "contentType", "width", "height", "checksum", "visibility", "status"),
    *("placeholder", "albumIds", "uploaderId", "url", "thumbnailUrl", "variants", "views"),
    *("createdAt", "updatedAt", "deletedAt"),
}
NOBODYS = "img_" + "0" * 26


@pytest.fixture
def image(ann, dot):
    return ann.upload(dot, "dot.png", title="Dot", tags=["a"], custom={"k": "v"})


def path(image, rest=""):
    return f"/v1/images/{image['imageId']}{rest}"


def test_an_image_is_all_of_these(ann, public):
    image = expect(ann.http.get(path(public)), 200)

    assert set(image) == FIELDS
    assert set(image["variants"]) == {"thumb", "small", "medium", "large"}
    assert (image["status"], image["ownerId"]) == ("ready", ann.id)
    assert image["createdAt"].endswith("Z")
    assert image["deletedAt"] is None
    for url in (image["url"], image["thumbnailUrl"], *image["variants"].values()):
        assert ann.service.client().get(url).status_code == 200


def test_an_etag_saves_the_body_and_changes_with_the_image(ann, public):
    answer = ann.http.get(path(public))
    etag = answer.headers["etag"]
    for matching in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        cached = ann.http.get(path(public), headers={"If-None-Match": matching})
        assert (cached.status_code, cached.content, cached.headers["etag"]) == (304, b"", etag)
    for other in ('"other"', etag.strip('"'), ""):
        assert ann.http.get(path(public), headers={"If-None-Match": other}).status_code == 200

    changed = ann.http.patch(path(public), json={"title": "Open still"})

    assert changed.headers["etag"] != etag
    assert ann.http.get(path(public), headers={"If-None-Match": etag}).status_code == 200
    assert ann.http.get(path(public)).headers["etag"] == changed.headers["etag"]


def test_each_field_changes_alone_and_what_is_not_said_stays(ann, image):
    changes = [
        {"title": "A dot"},
        {"description": "Two by two."},
        {"tags": ["b", " c ", "b", "\t"]},
        {"custom": {"lens": "50"}},
        {"visibility": "public"},
        {"title": "", "description": "", "tags": [], "custom": {}},
        {"title": None},
        {},
    ]
    expected = ann.developed(image)
    for change in changes:
        answer = ann.http.patch(path(image), json=change)

        shown = expect(answer, 200)
        expected |= {name: value for name, value in change.items() if value is not None}
        if change.get("tags"):
            expected["tags"] = ["b", "c"]
        assert shown | {"updatedAt": None} == expected | {"updatedAt": None}
        assert int(answer.headers["darkroom-position"]) > 0
        assert expect(ann.http.get(path(image)), 200) == shown


def test_a_change_is_made_on_what_was_read_or_not_at_all(ann, image):
    etag = ann.http.get(path(image)).headers["etag"]
    first = ann.http.patch(path(image), json={"title": "one"}, headers={"If-Match": etag})
    expect(first, 200)

    for method in ("PATCH", "DELETE"):
        late = ann.http.request(method, path(image), content=b"{}", headers={"If-Match": etag})
        problem = refused(late, 412, "precondition_failed")
        assert problem["actual"] == problem["expected"] + 1
    for nonsense in ("x", '""', f"W/{first.headers['etag']}", '"' + "9" * 5000 + '"'):
        answer = ann.http.patch(path(image), json={}, headers={"If-Match": nonsense})
        refused(answer, 412, "precondition_failed")
    tag = first.headers["etag"]
    for lists in (f'"99", W/{tag}', f'"{tag[1:-1]},99"', f"{etag},,{etag}"):
        answer = ann.http.patch(path(image), json={}, headers={"If-Match": lists})
        refused(answer, 412, "precondition_failed")
    for right in (tag, "*", f'{etag}, "x,y" ,\t{tag}', f'W/"9",{tag}, {etag}'):
        expect(ann.http.patch(path(image), json={"title": "one"}, headers={"If-Match": right}), 200)


def test_no_precondition_tells_a_stranger_anything(ben, image):
    for header in ({}, {"If-Match": '"1"'}, {"If-Match": '"3"'}, {"If-Match": "*"}):
        for method in ("PATCH", "DELETE"):
            answer = ben.http.request(method, path(image), content=b"{}", headers=header)
            refused(answer, 403, "forbidden")
            answer = ben.http.request(
                method, f"/v1/images/{NOBODYS}", content=b"{}", headers=header
            )
            refused(answer, 404, "not_found")


@pytest.mark.parametrize("visibility", ["public", "unlisted", "private"])
def test_a_stranger_changes_nothing_of_any_image(ann, ben, anyone, dot, visibility):
    image = ann.upload(dot, visibility=visibility, title="mine")
    calls = [
        ("PATCH", "", {"title": "theirs"}),
        ("PATCH", "", {"visibility": "public"}),
        ("DELETE", "", None),
        ("POST", "/restore", None),
        ("POST", "/share", {}),
        ("POST", "/signed-url", {}),
        ("GET", "/shares", None),
        ("GET", "/stats", None),
    ]
    for method, rest, body in calls:
        refused(ben.http.request(method, path(image, rest), json=body), 403, "forbidden")
        refused(anyone.request(method, path(image, rest), json=body), 401, "unauthenticated")

    assert expect(ann.http.get(path(image)), 200)["title"] == "mine"


def test_private_images_refuse_in_the_same_words(ann, ben, anyone, private, dot):
    other = ann.upload(dot, title="Another secret")
    answers = [
        http.get(url)
        for http in (ben.http, anyone)
        for image in (private, other)
        for url in (
            path(image),
            path(image, "/metadata"),
            path(image, "/file"),
            f"/images/{image['imageId']}",
            f"/images/{image['imageId']}/metadata",
            image["thumbnailUrl"],
            f"{image['url']}/original.png",
            f"{image['url']}/nonsense",
        )
    ]

    for answer in answers:
        refused(answer, 403, "forbidden")
        assert "ecret" not in answer.text
        assert "etag" not in answer.headers
        assert "last-modified" not in answer.headers
        assert "content-disposition" not in answer.headers
    assert len({answer.text for answer in answers}) == 1


def test_a_deleted_image_is_nowhere_until_it_is_restored(ann, ben, anyone, dot):
    image = ann.developed(ann.upload(dot, "gone.png", visibility="public", tags=["gone"]))
    share = expect(ann.http.post(path(image, "/share"), json={}), 201)
    signed = expect(ann.http.post(path(image, "/signed-url"), json={}), 200)
    everywhere = [
        *(path(image, rest) for rest in ("", "/metadata", "/file", "/shares", "/stats")),
        *(f"/images/{image['imageId']}{rest}" for rest in ("", "/metadata", "/original.png")),
        *image["variants"].values(),
        share["shareUrl"],
        signed["url"],
    ]

    answer = ann.http.delete(path(image))

    gone = expect(answer, 200)
    assert set(gone) == {"imageId", "status", "deletedAt", "purgeAt"}
    assert (gone["imageId"], gone["status"]) == (image["imageId"], "deleted")
    assert gone["purgeAt"] > gone["deletedAt"]
    assert int(answer.headers["darkroom-position"]) > 0
    for url in everywhere:
        for http in (ann.http, ben.http):
            refused(http.get(url), 404, "not_found")
    for url in (share["shareUrl"], signed["url"], image["url"]):
        refused(anyone.get(url), 404, "not_found")
    for method, rest, body in (
        ("PATCH", "", {"title": "x"}),
        ("DELETE", "", None),
        ("POST", "/share", {}),
        ("POST", "/signed-url", {}),
    ):
        refused(ann.http.request(method, path(image, rest), json=body), 404, "not_found")
    refused(ben.http.post(path(image, "/restore")), 404, "not_found")
    listed = expect(ann.http.get("/v1/images", params={"user": ann.id, "tag": "gone"}), 200)
    assert listed["images"] == []
    trash = expect(ann.http.get("/v1/images?status=deleted"), 200)["images"]
    assert [(i["imageId"], i["status"]) for i in trash if i["imageId"] == image["imageId"]] == [
        (image["imageId"], "deleted")
    ]

    restored = expect(ann.http.post(path(image, "/restore")), 200)

    moving = {"updatedAt": restored["updatedAt"], "views": restored["views"]}
    assert restored == image | moving
    for url in everywhere[:5]:
        assert ann.http.get(url).status_code in (200, 302)
    for url in everywhere[5:]:
        assert anyone.get(url).status_code == 200
    again = expect(ann.http.post(path(image, "/restore")), 200)
    assert again | {"views": 0} == restored | {"views": 0}, "nothing to do"


def test_where_its_bytes_are(ann, anyone, public, private, unlisted):
    for image, http in ((public, anyone), (unlisted, anyone), (private, ann.http)):
        answer = http.get(path(image, "/file"))
        assert (answer.status_code, answer.content) == (302, b"")
        assert answer.headers["cache-control"] == "no-store"
        assert anyone.get(answer.headers["location"]).status_code == 200
    assert "sig=" in ann.http.get(path(private, "/file")).headers["location"]
    assert "sig=" not in anyone.get(path(public, "/file")).headers["location"]


def test_its_figures_are_its_owners(ann, private):
    stats = expect(ann.http.get(path(private, "/stats")), 200)

    assert set(stats) >= {"views", "downloads", "egressBytes", "byDay"}
