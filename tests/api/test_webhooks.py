"""Webhooks over HTTP: made, told what their owner may see, listed, turned back, ended."""

from typing import Any

import pytest

from tests.api.test_albums import new_album
from tests.people import Person, eventually, expect, refused
from tests.receiver import Receiver, answer

HOOKS = "/v1/webhooks"


@pytest.fixture
def eve(service) -> Person:
    return Person(service, "eve")


def hooked(person: Person, receiver: Receiver, **asked: Any) -> dict[str, Any]:
    made = expect(person.http.post(HOOKS, json={"url": receiver.url(), **asked}), 201)
    receiver.secret = made["secret"]
    return made


def told(receiver: Receiver) -> list[tuple[str, str]]:
    return [(it["type"], it["data"]["streamId"]) for it in receiver.told]


def test_its_secret_is_shown_once(eve, receiver):
    made = hooked(eve, receiver, types=["image"], description="Mine")

    assert made["secret"].startswith("whsec_")
    assert made["webhookId"].startswith("whk_")
    (listed,) = expect(eve.http.get(HOOKS), 200)["webhooks"]
    moving = {"secret", "position"}
    assert listed == {k: v for k, v in made.items() if k not in moving} | {
        "position": listed["position"]
    }
    one = expect(eve.http.get(f"{HOOKS}/{made['webhookId']}"), 200)
    assert (one["url"], one["description"]) == (receiver.url(), "Mine")
    assert made["secret"] not in str(one)


def test_it_is_told_of_ones_own_images_and_of_nothing_else(eve, ben, receiver, dot):
    made = hooked(eve, receiver, types=["image"])
    hidden = ben.upload(dot, "canary.png")["imageId"]
    mine = eve.upload(dot, "canary.png", title="canary")["imageId"]
    shown = ben.upload(dot, visibility="public")["imageId"]

    eventually(lambda: ("image.cleared", shown) in told(receiver))

    story = told(receiver)
    assert [type for type, id in story if id == mine] == [
        "image.upload-initiated",
        "image.finalized",
        "image.details-changed",
        "image.cleared",
    ]
    assert hidden not in str(receiver.told)
    assert "canary" not in str(receiver.told)
    assert [it["data"]["actor"] for it in receiver.told if it["data"]["streamId"] == shown] == [
        None,
        None,
    ]
    positions = [it["data"]["position"] for it in receiver.told]
    assert positions == sorted(set(positions))
    path = f"{HOOKS}/{made['webhookId']}/deliveries"
    eventually(lambda: len(expect(eve.http.get(path), 200)["deliveries"]) == len(positions))
    found = expect(eve.http.get(path), 200)
    assert {it["state"] for it in found["deliveries"]} == {"delivered"}
    assert [it["position"] for it in found["deliveries"]] == positions[::-1]
    assert found["deliveries"][0]["status"] == 204


def test_of_one_album(eve, receiver, dot):
    album = new_album(eve, "Summer")["albumId"]
    hooked(eve, receiver, albumId=album, types=["image.finalized", "album"])
    eve.upload(dot)
    within = eve.upload(dot, albumId=album)["imageId"]
    expect(eve.http.patch(f"/v1/albums/{album}", json={"title": "Autumn"}), 200)

    eventually(lambda: len(receiver.told) == 2)

    assert told(receiver) == [("image.finalized", within), ("album.details-changed", album)]


def test_what_is_in_an_album_is_told_to_who_may_see_it(eve, ben, receiver, dot):
    """That a public image is in a private album is its owner's to know."""
    album = new_album(eve, "Candidates", visibility="public")["albumId"]
    image = eve.developed(eve.upload(dot, albumId=album, visibility="public"))["imageId"]
    made = hooked(ben, receiver, albumId=album, types=["image.details-changed"])

    def titled(title: str) -> int:
        answer = eve.http.patch(f"/v1/images/{image}", json={"title": title})
        position = int(answer.headers["darkroom-position"])
        path = f"{HOOKS}/{made['webhookId']}"
        eventually(lambda: expect(ben.http.get(path), 200)["position"] >= position)
        return position

    first = titled("one")
    expect(eve.http.patch(f"/v1/albums/{album}", json={"visibility": "private"}), 200)
    titled("two")
    expect(eve.http.patch(f"/v1/albums/{album}", json={"visibility": "public"}), 200)
    third = titled("three")

    assert [it["data"]["position"] for it in receiver.told] == [first, third]


def test_what_failed_is_in_its_log_and_can_be_told_again(eve, receiver, dot):
    made = hooked(eve, receiver, types=["image.finalized"])
    path = f"{HOOKS}/{made['webhookId']}"
    receiver.always = lambda it: answer(it, 503, b"not now", Retry_After="1")
    image = eve.upload(dot)["imageId"]
    eventually(lambda: expect(eve.http.get(path), 200)["failingSince"])
    (failing,) = expect(eve.http.get(f"{path}/deliveries"), 200)["deliveries"]
    receiver.always = None
    eventually(lambda: told(receiver) == [("image.finalized", image)])

    again = expect(eve.http.post(f"{path}/redeliver", json={"from": failing["position"]}), 202)
    eventually(lambda: len(receiver.told) == 2)

    assert (failing["state"], failing["status"], failing["answer"]) == (
        "retrying",
        503,
        "not now",
    )
    assert again["from"] == failing["position"]
    assert receiver.told[0] == receiver.told[1]
    assert len(set(receiver.ids)) == 1
    eventually(lambda: expect(eve.http.get(path), 200)["failingSince"] is None)


def test_its_log_is_paged(eve, receiver, dot):
    made = hooked(eve, receiver, types=["image"])
    eve.upload(dot)
    path = f"{HOOKS}/{made['webhookId']}/deliveries"
    eventually(lambda: len(expect(eve.http.get(path), 200)["deliveries"]) == 3)
    every = expect(eve.http.get(path), 200)["deliveries"]

    pages, cursor = [], {}
    while cursor is not None:
        page = expect(eve.http.get(path, params={"limit": 2} | cursor), 200)
        pages += page["deliveries"]
        cursor = {"cursor": page["nextCursor"]} if page["nextCursor"] else None

    assert pages == every
    assert page["total"] == 3
    second = expect(eve.http.get(path, params={"limit": 2, "page": 2}), 200)
    assert (second["deliveries"], second["page"]) == (every[2:], 2)
    refused(eve.http.get(path, params={"cursor": "x"}), 422, "validation")


def test_a_new_secret_signs_beside_the_former(eve, receiver, dot):
    made = hooked(eve, receiver, types=["image.finalized"])
    path = f"{HOOKS}/{made['webhookId']}/rotate-secret"
    new = expect(eve.http.post(path), 200)["secret"]
    assert new != made["secret"]
    eve.upload(dot)
    eventually(lambda: len(receiver.told) == 1)
    receiver.secret = new
    eve.upload(dot)
    eventually(lambda: len(receiver.told) == 2)


def test_one_that_was_deleted_is_told_no_more(eve, receiver, dot):
    made = hooked(eve, receiver)
    path = f"{HOOKS}/{made['webhookId']}"
    assert eve.http.delete(path).status_code == 204

    eve.upload(dot)

    refused(eve.http.get(path), 404, "not_found")
    refused(eve.http.delete(path), 404, "not_found")
    assert expect(eve.http.get(HOOKS), 200)["webhooks"] == []
    other = Receiver()
    hooked(eve, other)
    eve.upload(dot)
    eventually(lambda: other.told)
    other.down()
    assert not receiver.ids


def test_what_no_webhook_can_be(eve, ben, receiver):
    for url in ("http://127.0.0.1:8080/", "http://10.0.0.1/", "ftp://a.example/", "x"):
        refused(eve.http.post(HOOKS, json={"url": url}), 422, "url_forbidden")
    for wrong in ({"types": ["image.nothing"]}, {"types": ["webhook"]}, {"description": "\n"}):
        problem = eve.http.post(HOOKS, json={"url": receiver.url(), **wrong})
        refused(problem, 422, "validation")
    private = new_album(ben, "Private")["albumId"]
    body = {"url": receiver.url(), "albumId": private}
    assert eve.http.post(HOOKS, json=body).status_code in (403, 404)
    made = hooked(eve, receiver)
    path = f"{HOOKS}/{made['webhookId']}/redeliver"
    for beyond in (0, 10**12, "x"):
        refused(eve.http.post(path, json={"from": beyond}), 422, "validation")


def test_an_account_has_only_so_many(eve, receiver):
    for _ in range(20):
        hooked(eve, receiver)

    answer = eve.http.post(HOOKS, json={"url": receiver.url()})

    assert refused(answer, 409, "conflict")["limit"] == 20


def test_of_a_suspended_account_nothing_is_told(eve, admin, receiver, dot):
    hooked(eve, receiver)
    path, why = f"/v1/admin/users/{eve.id}", {"reason": "spam"}
    expect(admin.http.post(f"{path}/suspend", json=why), 200)
    other, public = Receiver(), Person(eve.service, "public")
    hooked(public, other)
    image = public.upload(dot, visibility="public")["imageId"]
    eventually(lambda: ("image.cleared", image) in told(other))
    assert not receiver.ids

    expect(admin.http.post(f"{path}/reinstate", json=why), 200)

    eventually(lambda: ("image.cleared", image) in told(receiver))
    other.down()
