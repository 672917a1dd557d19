"""Who can see an image, and which event made it so: told to its owner alone."""

from tests.api.test_albums import lend, new_album, put
from tests.people import expect, refused


def explained(person, image):
    return expect(person.http.get(f"/v1/images/{image['imageId']}/access"), 200)


def by_way(found):
    return {it["via"]: it for it in found["grants"]}


def test_each_way_in_is_named_with_the_events_that_made_it(ann, ben, anyone, dot):
    image, album = ann.upload(dot), new_album(ann)
    path = f"/v1/images/{image['imageId']}"
    assert list(by_way(explained(ann, image))) == ["owner"]
    body = {"permissions": ["view", "edit"]}
    expect(ann.http.put(f"{path}/collaborators/{ben.id}", json=body), 200)
    share = expect(ann.http.post(f"{path}/share", json={}), 201)["shareId"]
    put(ann, album, image)
    lend(ann, album, ben, "view")
    answer = ann.http.patch(path, json={"visibility": "unlisted"})
    position = int(answer.headers["darkroom-position"])

    found = explained(ann, image)

    ways = by_way(found)
    assert set(ways) == {
        *("owner", "visibility", "collaborator", "share"),
        *("album-owner", "album-collaborator"),
    }
    assert found["closed"] is None
    assert ways["visibility"]["to"] == "everyone"
    (because,) = ways["visibility"]["because"]
    assert (because["position"], because["type"]) == (position, "image.visibility-changed")
    assert because["actor"] == ann.id
    named = ways["collaborator"]
    assert (named["userId"], named["permissions"]) == (ben.id, ["edit", "view"])
    assert (ways["share"]["to"], ways["share"]["shareId"]) == ("link", share)
    lent = ways["album-collaborator"]
    assert (lent["userId"], lent["albumId"]) == (ben.id, album["albumId"])
    assert [it["type"] for it in lent["because"]] == [
        "image.added-to-album",
        "album.collaborator-added",
    ]
    refused(ben.http.get(f"{path}/access"), 403, "forbidden")
    refused(anyone.get(f"{path}/access"), 401, "unauthenticated")

    expect(ann.http.patch(path, json={"visibility": "private"}), 200)
    assert ann.http.delete(f"{path}/collaborators/{ben.id}").status_code == 204
    assert ann.http.delete(f"{path}/shares/{share}").status_code == 204
    assert ann.http.delete(f"/v1/albums/{album['albumId']}").status_code == 204
    assert list(by_way(explained(ann, image))) == ["owner"]
