"""Takedown, objection, reinstatement: at once, with reasons, told to the owner, and counted."""

import email
import json
from email.message import EmailMessage
from email.policy import default

import pytest

from tests.people import Person, eventually, expect, refused

BECAUSE = {"reason": "it is A. Painter's"}
CLAIM = {"claimant": "A. Painter", "work": "The Lake", "url": "https://painter.example/lake"}


@pytest.fixture(scope="module")
def uploader(service):
    return Person(service, "uploader")


@pytest.fixture
def image(uploader, dot):
    return uploader.developed(uploader.upload(dot, "lake.png", title="Lake", visibility="public"))


def act(person: Person, image: dict, what: str, **body):
    path = f"/v1/admin/images/{image['imageId']}/{what}"
    return person.http.post(path, json=body or BECAUSE)


def notices(person: Person, image: dict, **asked) -> list[dict]:
    found = expect(person.http.get("/v1/notifications", params=asked), 200)["notifications"]
    return [it for it in found if it["imageId"] == image["imageId"]]


def test_what_is_taken_down_is_closed_at_once_to_everybody(anyone, ben, admin, uploader, image):
    for path in ("", "/small.webp", "/metadata"):
        assert anyone.get(f"/images/{image['imageId']}{path}").status_code == 200
    body = BECAUSE | {"notice": CLAIM}

    assert expect(act(admin, image, "takedown", **body), 200)["takenDown"] is True

    for http in (anyone, ben.http, admin.http):
        for path in ("", "/small.webp", "/thumb.auto", "/metadata"):
            refused(http.get(f"/images/{image['imageId']}{path}"), 403, "forbidden")
        refused(http.get(f"/v1/images/{image['imageId']}"), 403, "forbidden")
        assert image["imageId"] not in http.get("/images", params={"limit": 100}).text
        assert image["imageId"] not in http.get("/v1/search", params={"q": "lake"}).text
    for path in ("", "/small.webp", "/thumb.auto"):
        refused(uploader.http.get(f"/images/{image['imageId']}{path}"), 403, "image_taken_down")
    assert act(admin, image, "takedown", **body).status_code == 200


def test_its_owner_sees_what_it_was_and_is_told_why_and_how_to_object(admin, uploader, image):
    expect(act(admin, image, "takedown", **BECAUSE, notice=CLAIM), 200)

    shown = expect(uploader.http.get(f"/v1/images/{image['imageId']}"), 200)
    assert (shown["title"], shown["status"]) == ("Lake", "taken_down")
    listed = expect(uploader.http.get("/v1/images", params={"user": uploader.id}), 200)["images"]
    assert "taken_down" in [it["status"] for it in listed if it["imageId"] == image["imageId"]]
    eventually(lambda: notices(uploader, image))
    (notice,) = notices(uploader, image)
    assert notice["kind"] == "taken_down"
    assert notice["reason"] == BECAUSE["reason"]
    assert "counter-notice" in notice["text"]
    assert "Painter" not in notice["text"]
    why = expect(uploader.http.get(f"/v1/images/{image['imageId']}/access"), 200)
    assert "taken down" in str(why)


def test_what_is_reinstated_is_as_it_was_before(anyone, admin, uploader, image):
    expect(act(admin, image, "takedown"), 200)
    assert expect(act(admin, image, "reinstate", reason="a mistake"), 200)["takenDown"] is False

    assert anyone.get(f"/images/{image['imageId']}/small.webp").status_code == 200
    shown = expect(uploader.http.get(f"/v1/images/{image['imageId']}"), 200)
    assert shown["status"] == "ready"
    eventually(lambda: len(notices(uploader, image)) == 2)
    kinds = [(it["kind"], it["reason"]) for it in notices(uploader, image)]
    assert kinds == [("reinstated", "a mistake"), ("taken_down", BECAUSE["reason"])]


def test_only_administrators_do_it_and_each_act_has_its_reason(anyone, ann, admin, image):
    for what in ("takedown", "reinstate"):
        refused(act(ann, image, what), 403, "forbidden")
        refused(act(admin, image, what, reason=""), 422, "validation")
        refused(act(admin, {"imageId": "img_nonsense"}, what), 404, "not_found")
    path = f"/v1/admin/images/{image['imageId']}/takedown"
    refused(anyone.post(path, json=BECAUSE), 401, "unauthenticated")


def test_takedowns_count_against_who_brought_it_in_even_if_it_is_purged(service, admin, dot):
    person = Person(service, "repeats")
    first, second = (person.upload(dot, visibility="public") for _ in range(2))

    def count() -> int:
        return expect(admin.http.get(f"/v1/admin/users/{person.id}"), 200)["takedowns"]

    assert count() == 0
    expect(act(admin, first, "takedown"), 200)
    expect(act(admin, second, "takedown"), 200)
    eventually(lambda: count() == 2)
    expect(person.http.post(f"/v1/images/{first['imageId']}/purge"), 202)
    assert count() == 2
    expect(act(admin, second, "reinstate"), 200)
    eventually(lambda: count() == 1)


def test_acts_are_in_the_audit_with_their_actor(admin, image):
    expect(act(admin, image, "takedown"), 200)
    expect(act(admin, image, "reinstate"), 200)

    asked = {"stream": image["imageId"], "limit": 100}
    entries = expect(admin.http.get("/v1/admin/audit", params=asked), 200)["entries"]
    acts = [it["type"] for it in entries if it["actor"] == admin.id]
    assert acts == ["image.taken-down", "image.reinstated"]


def test_its_owner_objects_and_an_administrator_reads_it(ann, admin, uploader, image):
    path = f"/v1/images/{image['imageId']}/counter-notice"
    objection = {"statement": "I painted it myself"}
    refused(uploader.http.post(path, json=objection), 409, "conflict")
    expect(act(admin, image, "takedown", **BECAUSE, notice=CLAIM), 200)
    refused(ann.http.post(path, json=objection), 403, "forbidden")

    expect(uploader.http.post(path, json=objection), 202)

    def queued() -> list[dict]:
        queue = expect(admin.http.get("/v1/admin/quarantine", params={"limit": 100}), 200)
        return [it for it in queue["images"] if it["imageId"] == image["imageId"]]

    eventually(lambda: bool(queued()))
    (found,) = queued()
    assert found["statement"] == objection["statement"]
    assert found["notice"] == {"reason": BECAUSE["reason"], **CLAIM}
    assert found["counteredAt"]
    expect(act(admin, image, "reinstate", reason="they are right"), 200)
    eventually(lambda: not queued())


def test_notices_are_read_once_and_each_only_by_whose_they_are(ben, admin, uploader, image):
    expect(act(admin, image, "takedown"), 200)
    eventually(lambda: notices(uploader, image))
    (notice,) = notices(uploader, image, unread="true")
    path = f"/v1/notifications/{notice['notificationId']}/read"

    refused(ben.http.post(path), 404, "not_found")
    assert notices(ben, image) == []
    read = expect(uploader.http.post(path), 200)["readAt"]
    assert expect(uploader.http.post(path), 200)["readAt"] == read

    assert notices(uploader, image, unread="true") == []
    assert notices(uploader, image)[0]["readAt"] == read
    expect(act(admin, image, "reinstate"), 200)
    eventually(lambda: len(notices(uploader, image)) == 2)
    first = expect(uploader.http.get("/v1/notifications", params={"limit": 1}), 200)
    asked = {"limit": 1, "cursor": first["nextCursor"]}
    second = expect(uploader.http.get("/v1/notifications", params=asked), 200)
    assert first["notifications"][0]["at"] > second["notifications"][0]["at"]


def test_what_was_taken_down_may_still_be_deleted_and_purged_by_its_owner(admin, uploader, image):
    expect(act(admin, image, "takedown"), 200)
    refused(
        uploader.http.patch(f"/v1/images/{image['imageId']}", json={"title": "x"}),
        403,
        "image_taken_down",
    )
    eventually(lambda: notices(uploader, image))

    receipt = expect(uploader.http.post(f"/v1/images/{image['imageId']}/purge"), 202)["receiptUrl"]

    eventually(lambda: uploader.http.get(receipt).json()["complete"])
    assert notices(uploader, image) == []
    refused(act(admin, image, "reinstate"), 404, "not_found")


def test_its_owner_gets_a_mail_with_the_reason(service, admin, uploader, image):
    expect(act(admin, image, "takedown"), 200)

    def mails() -> list[EmailMessage]:
        files = (service.data / "mail").glob("*.eml")
        read = [email.message_from_bytes(it.read_bytes(), policy=default) for it in files]
        ours = [it for it in read if it["to"] == uploader.email]
        return [it for it in ours if image["imageId"] in it.get_body(("plain",)).get_content()]

    eventually(lambda: bool(mails()))
    (mail,) = mails()
    assert mail["subject"] == "Your image was taken down"
    words = " ".join(mail.get_body(("plain",)).get_content().split())
    assert BECAUSE["reason"] in words
    assert "counter-notice" in words


def test_the_command_line_does_the_same(service, anyone, uploader, image):
    path, id = f"/images/{image['imageId']}/small.webp", image["imageId"]

    assert service.run("admin", "takedown", id, "--reason", "a claim").returncode == 0
    refused(anyone.get(path), 403, "forbidden")
    assert service.run("admin", "reinstate-image", id, "--reason", "settled").returncode == 0
    assert anyone.get(path).status_code == 200
    done = service.run("admin", "rescan", id, "--reason", "new signatures", "--json")
    assert json.loads(done.stdout)["requested"] == 1
    assert service.run("admin", "rescan", "--reason", "of what?").returncode == 2
    missing = service.run("admin", "takedown", "img_nonsense", "--reason", "a claim")
    assert missing.returncode == 2
    listed = service.run("admin", "quarantine", "--json")
    assert listed.returncode == 0
