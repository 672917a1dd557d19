"""Albums: made, filled, put in order, lent and deleted; and who sees what of them."""

from base64 import b64encode

import pytest

from tests.people import Person, expect, refused


@pytest.fixture(scope="module")
def cal(service) -> Person:
    return Person(service, "cal")


def new_album(person, title="Summer", **fields):
    answer = person.http.post("/v1/albums", json={"title": title, **fields})
    made = expect(answer, 201)
    assert answer.headers["location"] == f"/v1/albums/{made['albumId']}"
    assert int(answer.headers["darkroom-position"]) > 0
    return made


def at(album):
    return f"/v1/albums/{album['albumId']}"


def put(person, album, *images):
    body = {"imageIds": [image["imageId"] for image in images]}
    return expect(person.http.put(f"{at(album)}/images", json=body), 200)["results"]


def inside(http, album, query="", **asked):
    page = expect(http.get(f"{at(album)}/images{query}", params=asked), 200)
    assert page["total"] == len(page["images"])
    return [it["imageId"] for it in page["images"]]


def ids(*images):
    return [it["imageId"] for it in images]


def lend(person, album, whom, *permissions):
    path = f"{at(album)}/collaborators/{whom.id}"
    return expect(person.http.put(path, json={"permissions": permissions}), 200)


@pytest.fixture
def three(ann, dot):
    return [ann.upload(dot, f"{n}.png", title=f"Number {n}") for n in range(3)]


def test_an_album_as_its_owner_sees_it(ann, ben, anyone, three):
    album = new_album(ann, "Sommer", description="at the lake")

    assert album | {"createdAt": "", "updatedAt": "", "albumId": ""} == {
        "albumId": "",
        "ownerId": ann.id,
        "teamId": None,
        "parentId": None,
        "title": "Sommer",
        "description": "at the lake",
        "visibility": "private",
        "coverId": None,
        "coverUrl": None,
        "imageCount": 0,
        "createdAt": "",
        "updatedAt": "",
    }
    put(ann, album, *three)
    found = expect(ann.http.get(at(album)), 200)
    assert (found["imageCount"], found["coverId"]) == (3, three[2]["imageId"])
    assert ann.http.get(found["coverUrl"]).status_code == 200
    for method, path, body in (
        ("GET", at(album), None),
        ("GET", f"{at(album)}/images", None),
        ("GET", f"{at(album)}/shares", None),
        ("GET", f"{at(album)}/collaborators", None),
        ("PATCH", at(album), {"title": "mine"}),
        ("DELETE", at(album), None),
        ("POST", f"{at(album)}/share", {}),
        ("PUT", f"{at(album)}/images", {"imageIds": ids(three[0])}),
        ("PUT", f"{at(album)}/order", {"imageIds": ids(three[0])}),
        ("PUT", f"{at(album)}/collaborators/{ben.id}", {"permissions": ["view"]}),
        ("GET", f"/v1/images?album={album['albumId']}", None),
    ):
        refused(ben.http.request(method, path, json=body), 404, "not_found")
    refused(anyone.get(at(album)), 404, "not_found")
    refused(anyone.post("/v1/albums", json={"title": "x"}), 401, "unauthenticated")


def test_images_come_in_the_order_in_which_they_were_put_in_or_as_arranged(ann, three, dot):
    album = new_album(ann)
    first, second, third = three
    put(ann, album, second, first)
    assert inside(ann.http, album) == ids(second, first)
    results = put(ann, album, third, first)
    assert [it["changed"] for it in results] == [True, False]
    assert inside(ann.http, album) == ids(second, first, third)

    order = {"imageIds": ids(third, second)}
    expect(ann.http.put(f"{at(album)}/order", json=order), 200)

    assert inside(ann.http, album) == ids(third, second, first)
    assert inside(ann.http, album, sort="oldest") == ids(*three)
    assert inside(ann.http, album, q="number 1") == ids(second)
    asked, pages = {"limit": 1}, []
    while asked is not None:
        page = expect(ann.http.get(f"{at(album)}/images", params=asked), 200)
        pages += page["images"]
        cursor = page["nextCursor"]
        asked = {"limit": 1, "cursor": cursor} if cursor else None
    assert ids(*pages) == ids(third, second, first)
    last = ann.upload(dot)
    assert ann.http.put(f"{at(album)}/images/{last['imageId']}").status_code == 204
    assert inside(ann.http, album)[-1] == last["imageId"]


def test_images_know_their_albums(ann, three):
    one, two = new_album(ann, "one"), new_album(ann, "two")
    image = three[0]
    path = f"/v1/images/{image['imageId']}"
    before = ann.http.get(path).headers["etag"]
    put(ann, one, image)
    put(ann, two, image)

    answer = ann.http.get(path)
    assert answer.json()["albumIds"] == [one["albumId"], two["albumId"]]
    assert answer.headers["etag"] != before
    listed = expect(ann.http.get("/v1/images", params={"album": two["albumId"]}), 200)
    assert ids(*listed["images"]) == ids(image)
    changed = ann.http.patch(
        path, json={"title": "x"}, headers={"If-Match": answer.headers["etag"]}
    )
    assert expect(changed, 200)["albumIds"] == [one["albumId"], two["albumId"]]

    assert ann.http.delete(at(one)).status_code == 204
    assert expect(ann.http.get(path), 200)["albumIds"] == [two["albumId"]]
    assert ann.http.delete(f"{at(two)}/images/{image['imageId']}").status_code == 204
    assert expect(ann.http.get(path), 200)["albumIds"] == []
    types = [it["type"] for it in expect(ann.http.get(f"{path}/history"), 200)["events"]]
    assert types.count("image.added-to-album") == 2
    assert types[-1] == "image.removed-from-album"


def test_uploads_go_into_an_album_by_every_way_in(ann, ben, dot):
    album = new_album(ann)
    id = album["albumId"]

    one = ann.upload(dot, albumId=id)
    form = {"file": ("form.png", dot)}
    two = expect(ann.http.post("/v1/images", files=form, data={"albumId": id}), 201)
    three = expect_id(by_tus(ann, dot, id))
    refused(by_tus(ann, dot, "alb_x"), 404, "not_found")

    assert one["albumIds"] == two["albumIds"] == [id]
    assert inside(ann.http, album) == [*ids(one, two), three]
    expect(ann.http.patch("/v1/me", json={"duplicates": "return"}), 200)
    other = new_album(ann)
    ticket = ann.initiate(dot)
    ann.put(ticket, dot)
    again = expect(ann.finalize(ticket, albumId=other["albumId"]), 200)
    expect(ann.http.patch("/v1/me", json={"duplicates": "keep"}), 200)
    assert inside(ann.http, other) == ids(again)
    ticket = ben.initiate(dot)
    ben.put(ticket, dot)
    refused(ben.finalize(ticket, albumId=id), 404, "not_found")
    assert expect(ben.finalize(ticket), 201)["albumIds"] == []


def by_tus(person, content, album):
    metadata = {"filename": "t.png", "albumId": album, "finalize": "true"}
    pairs = [f"{name} {b64encode(value.encode()).decode()}" for name, value in metadata.items()]
    headers = {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(len(content)),
        "Upload-Metadata": ",".join(pairs),
        "Content-Type": "application/offset+octet-stream",
    }
    return person.http.post("/v1/tus", content=content, headers=headers)


def expect_id(answer):
    assert answer.status_code == 201, answer.text
    return answer.headers["darkroom-image-id"]


def test_deleting_an_album_deletes_no_image(ann, three):
    album = new_album(ann)
    put(ann, album, *three)

    assert ann.http.delete(at(album)).status_code == 204

    refused(ann.http.get(at(album)), 404, "not_found")
    refused(ann.http.get(f"{at(album)}/images"), 404, "not_found")
    refused(ann.http.get("/v1/images", params={"album": album["albumId"]}), 404, "not_found")
    refused(ann.http.delete(at(album)), 404, "not_found")
    for image in three:
        assert ann.http.get(f"/v1/images/{image['imageId']}").status_code == 200


def test_what_is_deleted_vanishes_and_what_is_restored_returns(ann, three):
    album = new_album(ann)
    put(ann, album, *three)
    gone, purged, kept = three
    expect(ann.http.patch(at(album), json={"coverId": gone["imageId"]}), 200)

    expect(ann.http.delete(f"/v1/images/{gone['imageId']}"), 200)
    expect(ann.http.post(f"/v1/images/{purged['imageId']}/purge"), 202)

    assert inside(ann.http, album) == ids(kept)
    found = expect(ann.http.get(at(album)), 200)
    assert (found["imageCount"], found["coverId"]) == (1, kept["imageId"])
    expect(ann.http.post(f"/v1/images/{gone['imageId']}/restore"), 200)
    assert inside(ann.http, album) == ids(gone, kept)
    assert expect(ann.http.get(at(album)), 200)["coverId"] == gone["imageId"]


def test_a_public_album_makes_no_private_image_public(ann, ben, anyone, three, dot):
    open_image = ann.upload(dot, visibility="public")
    album = new_album(ann, "Open", visibility="public")
    put(ann, album, *three, open_image)

    for http in (ben.http, anyone):
        found = expect(http.get(at(album)), 200)
        assert (found["imageCount"], found["coverId"]) == (1, open_image["imageId"])
        assert inside(http, album) == ids(open_image)
        refused(http.get(f"/images/{three[0]['imageId']}"), 403, "forbidden")
        page = expect(http.get("/v1/albums", params={"user": ann.id}), 200)
        assert album["albumId"] in [it["albumId"] for it in page["albums"]]
    refused(ben.http.patch(at(album), json={"title": "mine"}), 403, "forbidden")
    shown = expect(anyone.get(f"/v1/images/{open_image['imageId']}"), 200)
    assert shown["albumIds"] == [album["albumId"]]

    changed = expect(ann.http.patch(at(album), json={"visibility": "private"}), 200)
    assert changed["visibility"] == "private"
    refused(anyone.get(at(album)), 404, "not_found")
    shown = expect(anyone.get(f"/v1/images/{open_image['imageId']}"), 200)
    assert shown["albumIds"] == []


def test_a_collaborator_sees_downloads_and_edits_whatever_is_in_it(ann, ben, cal, three, dot):
    album = new_album(ann)
    put(ann, album, three[0])
    lend(ann, album, ben, "view")
    put(ann, album, three[1])

    for image in three[:2]:
        path = f"/v1/images/{image['imageId']}"
        assert ben.http.get(f"/images/{image['imageId']}").content == dot
        assert expect(ben.http.get(path), 200)["albumIds"] == [album["albumId"]]
        refused(ben.http.patch(path, json={"title": "theirs"}), 403, "forbidden")
        refused(ben.http.get(f"/images/{image['imageId']}?download=1"), 403, "forbidden")
        refused(cal.http.get(path), 403, "forbidden")
    refused(ben.http.get(f"/images/{three[2]['imageId']}"), 403, "forbidden")
    assert inside(ben.http, album) == ids(*three[:2])
    everything = expect(ben.http.get("/v1/images", params={"shared": "true"}), 200)["images"]
    assert {it["imageId"] for it in everything} >= set(ids(*three[:2]))
    found = expect(ben.http.get("/v1/search", params={"q": "number 1"}), 200)["images"]
    assert three[1]["imageId"] in ids(*found)
    (lent,) = expect(ben.http.get("/v1/albums", params={"shared": "true"}), 200)["albums"]
    assert (lent["albumId"], lent["imageCount"]) == (album["albumId"], 2)
    refused(ben.http.put(f"{at(album)}/images/{three[2]['imageId']}"), 403, "forbidden")

    lend(ann, album, ben, "view", "download", "edit")
    path = f"/v1/images/{three[0]['imageId']}"
    assert expect(ben.http.patch(path, json={"title": "ours"}), 200)["title"] == "ours"
    assert ben.http.get(f"/images/{three[0]['imageId']}?download=1").status_code == 200
    refused(ben.http.patch(path, json={"visibility": "public"}), 403, "forbidden")
    refused(ben.http.delete(path), 403, "forbidden")
    refused(ben.http.delete(at(album)), 403, "forbidden")
    mine = ben.upload(dot, title="from ben")
    (result,) = put(ben, album, mine)
    assert result["changed"]
    assert ann.http.get(f"/images/{mine['imageId']}").content == dot, "lent to the album's owner"
    refused(ben.http.put(f"{at(album)}/images/{three[2]['imageId']}"), 403, "forbidden")

    assert ann.http.delete(f"{at(album)}/collaborators/{ben.id}").status_code == 204
    refused(ben.http.get(path), 403, "forbidden")
    refused(ben.http.patch(path, json={"title": "again"}), 403, "forbidden")
    refused(ben.http.get(at(album)), 404, "not_found")
    assert ben.http.get("/v1/images", params={"shared": "true"}).json()["total"] == 0
    assert expect(ben.http.get(f"/v1/images/{mine['imageId']}"), 200)["albumIds"] == []
    assert ben.http.delete(f"{at(album)}/images/{mine['imageId']}").status_code == 204
    refused(ann.http.get(f"/images/{mine['imageId']}"), 403, "forbidden")


def test_taking_an_image_out_takes_it_from_everybody(ann, ben, three):
    album = new_album(ann)
    put(ann, album, *three)
    lend(ann, album, ben, "view", "edit")

    body = {"imageIds": [*ids(three[0]), "img_nonsense"]}
    answer = expect(ann.http.request("DELETE", f"{at(album)}/images", json=body), 200)
    assert [it["status"] for it in answer["results"]] == [200, 404]
    refused(ben.http.get(f"/v1/images/{three[0]['imageId']}"), 403, "forbidden")
    assert ben.http.delete(f"{at(album)}/images/{three[1]['imageId']}").status_code == 204
    refused(ben.http.get(f"/v1/images/{three[1]['imageId']}"), 403, "forbidden")
    refused(ben.http.delete(f"{at(album)}/images/{three[1]['imageId']}"), 403, "forbidden")


def test_a_link_opens_the_album_and_what_is_in_it_until_it_is_revoked(ann, anyone, three, dot):
    album, other = new_album(ann), new_album(ann)
    put(ann, album, *three[:2])
    link = expect(ann.http.post(f"{at(album)}/share", json={"expiresIn": 60}), 201)
    query = "?" + link["shareUrl"].partition("?")[2]
    image = f"/images/{three[0]['imageId']}"

    for url in (link["shareUrl"], at(album) + "/images" + query.replace("album=", "of=")):
        images = expect(anyone.get(url), 200)["images"]
        assert ids(*images) == ids(*three[:2])
        for opened in (images[0]["url"], *images[0]["variants"].values()):
            assert anyone.get(opened).status_code == 200
    told = anyone.get(f"/v1{image}/file{query}", follow_redirects=True)
    assert told.status_code == 200
    found = expect(anyone.get(at(album) + query), 200)
    assert (found["imageCount"], found["coverId"]) == (2, three[1]["imageId"])
    for path in (image, f"{image}/thumb.webp", f"/v1{image}", f"{image}/metadata"):
        assert anyone.get(path + query).status_code == 200
        refused(anyone.get(path), 403, "forbidden")
    refused(anyone.get(f"{image}{query}&download=1"), 403, "forbidden")
    refused(anyone.get(f"/images/{three[2]['imageId']}{query}"), 404, "not_found")
    stolen = query.replace(album["albumId"], other["albumId"])
    refused(anyone.get(at(other) + stolen), 403, "signature_invalid")
    refused(anyone.get(f"{image}{stolen}"), 403, "signature_invalid")
    refused(anyone.get(at(other) + query), 403, "signature_invalid")
    refused(ann.http.post(f"{at(album)}/share", json={"permissions": ["edit"]}), 403, "forbidden")
    (shown,) = expect(ann.http.get(f"{at(album)}/shares"), 200)["shares"]
    assert (shown["shareId"], shown["revoked"]) == (link["shareId"], False)

    assert ann.http.delete(f"{at(album)}/shares/{link['shareId']}").status_code == 204

    for path in (at(album), image, f"/v1{image}", f"{at(album)}/images"):
        refused(anyone.get(path + query), 403, "share_revoked")


def test_albums_are_nested_one_level(ann, ben):
    parent = new_album(ann, "Year")
    child = new_album(ann, "June", parentId=parent["albumId"])

    assert child["parentId"] == parent["albumId"]
    asked = {"parent": parent["albumId"]}
    page = expect(ann.http.get("/v1/albums", params=asked), 200)
    assert [it["albumId"] for it in page["albums"]] == [child["albumId"]]
    deeper = {"title": "1st", "parentId": child["albumId"]}
    refused(ann.http.post("/v1/albums", json=deeper), 409, "conflict")
    theirs = {"title": "x", "parentId": parent["albumId"]}
    refused(ben.http.post("/v1/albums", json=theirs), 404, "not_found")
    assert ann.http.delete(at(parent)).status_code == 204
    assert expect(ann.http.get(at(child)), 200)["parentId"] is None


def test_albums_are_listed_in_pages(service, dot):
    person = Person(service, "many")
    made = [new_album(person, title)["albumId"] for title in ("b", "c", "a")]

    def pages(**asked):
        found = []
        while True:
            page = expect(person.http.get("/v1/albums", params=asked | {"limit": 2}), 200)
            assert page["total"] == 3
            found += [it["albumId"] for it in page["albums"]]
            if page["nextCursor"] is None:
                return found
            asked["cursor"] = page["nextCursor"]

    assert pages(user=person.id) == made[::-1]
    assert pages(user=person.id, sort="title") == [made[2], made[0], made[1]]
    assert pages(user=person.id, sort="oldest") == made
    problem = refused(person.http.get("/v1/albums", params={"sort": "largest"}), 422, "validation")
    assert problem["errors"][0]["field"] == "sort"


def test_a_cover_is_one_of_its_images(ann, three):
    album = new_album(ann)
    put(ann, album, three[0], three[1])

    chosen = {"coverId": three[0]["imageId"]}
    assert expect(ann.http.patch(at(album), json=chosen), 200)["coverId"] == three[0]["imageId"]
    other = {"coverId": three[2]["imageId"]}
    refused(ann.http.patch(at(album), json=other), 409, "conflict")
    cleared = expect(ann.http.patch(at(album), json={"coverId": None}), 200)
    assert cleared["coverId"] == three[1]["imageId"]


def test_who_has_seen_an_older_album_is_told(ann):
    album = new_album(ann)
    seen = ann.http.get(at(album)).headers["etag"]
    expect(ann.http.patch(at(album), json={"title": "new"}, headers={"If-Match": seen}), 200)

    for method in ("PATCH", "DELETE"):
        answer = ann.http.request(method, at(album), json={}, headers={"If-Match": seen})
        refused(answer, 412, "precondition_failed")
    current = ann.http.get(at(album)).headers["etag"]
    either = {"If-Match": f"{seen}, {current}"}
    expect(ann.http.patch(at(album), json={"title": "newer"}, headers=either), 200)
    refused(ann.http.delete(at(album), headers=either), 412, "precondition_failed")
    assert ann.http.delete(at(album), headers={"If-Match": "*"}).status_code == 204


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": ""}, "title"),
        ({"title": "x" * 301}, "title"),
        ({"title": "a\x00b"}, "title"),
        ({"title": "x", "visibility": "secret"}, "visibility"),
        ({"title": "x", "colour": "red"}, "colour"),
    ],
)
def test_what_is_no_album_is_refused(ann, body, field):
    problem = refused(ann.http.post("/v1/albums", json=body), 422, "validation")

    assert field in {it["field"] for it in problem["errors"]}
