"""What people are told of: in the list of notices and by mail, unless they said no."""

import email
from email.policy import default

import pytest

from tests.api.test_albums import new_album
from tests.people import Person, eventually, expect


def told(person):
    return expect(person.http.get("/v1/notifications"), 200)["notifications"]


def mails(person):
    found = [
        email.message_from_bytes(it.read_bytes(), policy=default)
        for it in (person.service.data / "mail").glob("*.eml")
    ]
    return [it["subject"] for it in found if it["to"] == person.email]


@pytest.fixture
def reader(service):
    return Person(service, "reader")


def test_that_something_was_shared_with_them(ann, reader, dot):
    image = ann.upload(dot)["imageId"]
    album = new_album(ann, "Summer")["albumId"]
    view = {"permissions": ["view"]}
    for place in (f"images/{image}", f"albums/{album}"):
        expect(ann.http.put(f"/v1/{place}/collaborators/{reader.id}", json=view), 200)
    link = view | {"expiresIn": 600, "sharedWith": reader.id}
    expect(ann.http.post(f"/v1/images/{image}/share", json=link), 201)

    eventually(lambda: len(told(reader)) == 3)

    assert {it["kind"] for it in told(reader)} == {"shared"}
    about = [it.get("imageId") or it["albumId"] for it in told(reader)]
    assert about == [image, album, image]
    eventually(lambda: len([it for it in mails(reader) if ann.name in it]) == 3)
    assert f"{ann.name} shared an album with you" in mails(reader)
    assert not told(ann)


def test_that_their_storage_is_nearly_full(admin, reader, dot):
    change = {"quotaBytes": len(dot) + 10, "reason": "a small room"}
    expect(admin.http.patch(f"/v1/admin/users/{reader.id}", json=change), 200)
    reader.upload(dot)

    eventually(lambda: bool(told(reader)))

    (notice,) = told(reader)
    assert (notice["kind"], notice["percent"]) == ("quota", 80)
    eventually(lambda: "80 % of your storage is in use" in mails(reader))


def test_not_of_what_they_want_to_hear_nothing_of(ann, reader, dot):
    expect(reader.http.patch("/v1/me", json={"notify": {"shared": False}}), 200)
    image = ann.upload(dot)["imageId"]
    view = {"permissions": ["view"]}
    expect(ann.http.put(f"/v1/images/{image}/collaborators/{reader.id}", json=view), 200)
    quietly = {"shared.mail": False, "shared": True}
    expect(reader.http.patch("/v1/me", json={"notify": quietly}), 200)
    second = ann.upload(dot)["imageId"]
    expect(ann.http.put(f"/v1/images/{second}/collaborators/{reader.id}", json=view), 200)

    eventually(lambda: bool(told(reader)))

    assert [it["imageId"] for it in told(reader)] == [second]
    assert not [it for it in mails(reader) if "shared" in it]
