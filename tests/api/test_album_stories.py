"""What happens to albums, as it is told: in the feed and in their history."""

import pytest

from tests.api.test_albums import at, lend, new_album, put
from tests.people import Person, expect, refused
from tests.subscriber import subscribe


@pytest.fixture(scope="module")
def cal(service) -> Person:
    return Person(service, "cal")


@pytest.fixture
def begin(ben):
    return expect(ben.http.get("/v1/me/history"), 200)["events"][0]["position"]


def told(http, begin, upto, **asked):
    """Type and stream of each event until the one that says that `upto` was cleared."""
    story = []
    for _, type, data in subscribe(http, begin, **asked):
        if data["streamId"] == upto and type == "image.cleared":
            return story
        story.append((type, data["streamId"]))
    raise AssertionError("the stream ended")


def test_each_is_told_of_an_album_what_can_be_seen_now(ann, ben, cal, anyone, begin, dot):
    hidden, image = new_album(ann, "Canary"), ann.upload(dot)
    shown = new_album(ann, "Open", visibility="public")
    put(ann, hidden, image)
    put(ann, shown, image)
    lend(ann, hidden, ben, "view")
    expect(ann.http.patch(at(hidden), json={"title": "Canary 2"}), 200)
    expect(ann.http.put(f"{at(hidden)}/order", json={"imageIds": [image["imageId"]]}), 200)
    expect(ann.http.post(f"{at(hidden)}/share", json={}), 201)
    last = ann.upload(dot, visibility="public")["imageId"]

    bens = told(ben.http, begin, last)
    assert [it for it in bens if it[1] == hidden["albumId"]] == [
        ("album.created", hidden["albumId"]),
        ("album.collaborator-added", hidden["albumId"]),
        ("album.details-changed", hidden["albumId"]),
        ("album.arranged", hidden["albumId"]),
    ]
    assert [type for type, id in bens if id == image["imageId"]] == [
        "image.finalized",
        "image.cleared",
        "image.added-to-album",
        "image.added-to-album",
    ]
    for http in (cal.http, anyone):
        story = told(http, begin, last)
        assert ("album.created", shown["albumId"]) in story
        assert not [it for it in story if it[1] in (hidden["albumId"], image["imageId"])]


def test_the_feed_of_one_album(ann, ben, begin, dot):
    album, other = new_album(ann), ann.upload(dot)
    image = ann.upload(dot)
    put(ann, album, image)
    expect(ann.http.patch(f"/v1/images/{image['imageId']}", json={"title": "x"}), 200)
    last = ann.upload(dot, albumId=album["albumId"])["imageId"]

    story = told(ann.http, begin, last, album=album["albumId"])

    assert {id for _, id in story} == {album["albumId"], image["imageId"], last}
    assert ("image.details-changed", image["imageId"]) in story
    assert other["imageId"] not in str(story)
    unseen = ben.http.get("/v1/events", params={"album": album["albumId"]})
    refused(unseen, 404, "not_found")
    refused(ann.http.get("/v1/events", params={"album": "alb_x"}), 404, "not_found")


def test_an_album_has_a_history_and_was_something_at_any_moment(ann, ben, admin, dot):
    album, image = new_album(ann, "First"), ann.upload(dot)
    put(ann, album, image)
    expect(ann.http.patch(at(album), json={"title": "Second", "visibility": "public"}), 200)
    lend(ann, album, ben, "view", "edit")
    refused(ben.http.get(f"{at(album)}/history"), 403, "forbidden")

    found = expect(ann.http.get(f"{at(album)}/history"), 200)["events"]

    assert [it["type"] for it in found] == [
        "album.created",
        "album.details-changed",
        "album.visibility-changed",
        "album.collaborator-added",
    ]
    assert found[1]["data"]["changes"] == {"title": {"before": "First", "after": "Second"}}
    assert found[3]["data"]["accountId"] == ben.id
    then = expect(ann.http.get(f"{at(album)}/history?at={found[1]['position']}"), 200)["album"]
    assert (then["title"], then["visibility"]) == ("Second", "private")

    assert ann.http.delete(at(album)).status_code == 204
    for person in (ann, admin):
        events = expect(person.http.get(f"{at(album)}/history"), 200)["events"]
        assert events[-1]["type"] == "album.deleted"
    refused(ben.http.get(f"{at(album)}/history"), 403, "forbidden")
