"""What people are told of: in the list of notices, by mail and webhook, unless they said no."""

import asyncio
import email
from email.policy import default
from functools import partial

import pytest

from adapters.data_folder import DataFolder
from bootstrap import Core
from commands.execute import Stream, execute
from domain import membership, organization
from domain.ids import NOBODY, from_text
from projections.development import fail
from settings import load
from tests.api.test_albums import new_album
from tests.api.test_organizations import found_organization, invited
from tests.api.test_webhooks import hooked
from tests.api.test_webhooks import told as posted
from tests.people import PASSWORD, Person, eventually, expect, refused
from tests.receiver import Receiver


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


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.down()


def sign_in(person, agent):
    """From another program, each time."""
    entry = {"email": person.email, "password": PASSWORD}
    http = person.service.client()
    expect(http.post("/v1/auth/login", json=entry, headers={"User-Agent": agent}), 200)


def give_up(service, image):
    """As the reactor that develops does it, after its last try."""

    async def failed():
        core = Core(load(DataFolder(service.data).endpoints()))
        async with core.opened():
            await fail(from_text("img", image), "corrupt_image", store=core.store)

    asyncio.run(failed())


def test_that_an_image_could_not_be_processed(service, reader, dot):
    image = reader.upload(dot)["imageId"]

    for _ in range(2):
        give_up(service, image)

    eventually(lambda: bool(told(reader)))
    (notice,) = told(reader)
    assert (notice["kind"], notice["imageId"]) == ("processing_failed", image)
    assert notice["reason"] == "corrupt_image"
    eventually(lambda: "Your image could not be processed" in mails(reader))


def test_that_they_are_invited(ann, reader):
    firm = found_organization(ann)
    invitation = invited(firm, ann, reader.email, "editor")["invitationId"]

    eventually(lambda: bool(told(reader)))

    (notice,) = told(reader)
    assert (notice["kind"], notice["orgId"]) == ("invitation", firm["orgId"])
    assert (notice["invitationId"], notice["role"]) == (invitation, "editor")
    assert "imageId" not in notice
    eventually(lambda: len(mails(reader)) == 2)
    assert len([it for it in mails(reader) if it.startswith("You are invited")]) == 1


def test_that_somebody_signed_in_from_somewhere_new(reader):
    for _ in range(2):
        sign_in(reader, "Phone")

    eventually(lambda: bool(told(reader)))

    (notice,) = told(reader)
    assert (notice["kind"], notice["address"]) == ("sign_in", "127.0.0.1")
    assert notice["agent"] == "Phone"


def test_each_by_the_channels_they_want(ann, reader, receiver, dot):
    hooked(reader, receiver)
    wants = {"sign_in.webhook": False, "shared.app": False, "shared.mail": False}
    expect(reader.http.patch("/v1/me", json={"notify": wants}), 200)
    sign_in(reader, "Phone")
    image = ann.upload(dot)["imageId"]
    view = {"permissions": ["view"]}
    expect(ann.http.put(f"/v1/images/{image}/collaborators/{reader.id}", json=view), 200)
    link = view | {"expiresIn": 600, "sharedWith": reader.id}
    expect(ann.http.post(f"/v1/images/{image}/share", json=link), 201)

    eventually(lambda: ("image.share-link-created", image) in posted(receiver))
    eventually(lambda: bool(told(reader)))

    assert ("image.collaborator-added", image) in posted(receiver)
    assert not [type for type, _ in posted(receiver) if type == "account.new-device-seen"]
    assert [it["kind"] for it in told(reader)] == ["sign_in"]
    eventually(lambda: "Somebody signed in from somewhere new" in mails(reader))
    assert not [it for it in mails(reader) if "shared" in it]


def test_what_they_did_themselves_their_webhooks_are_told_all_the_same(ben, reader, receiver, dot):
    hooked(reader, receiver)
    expect(reader.http.patch("/v1/me", json={"notify": {"shared": False}}), 200)
    image = reader.upload(dot)["imageId"]
    view = {"permissions": ["view"]}
    expect(reader.http.put(f"/v1/images/{image}/collaborators/{ben.id}", json=view), 200)

    eventually(lambda: ("image.collaborator-added", image) in posted(receiver))


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
    """By what they promised: of that nothing is made meanwhile that would fill it more."""
    reader.initiate(dot)
    change = {"quotaBytes": len(dot) * 100 // 85, "reason": "a small room"}
    expect(admin.http.patch(f"/v1/admin/users/{reader.id}", json=change), 200)

    eventually(lambda: bool(told(reader)))

    (notice,) = told(reader)
    assert (notice["kind"], notice["percent"]) == ("quota", 80)
    eventually(lambda: "80 % of your storage is in use" in mails(reader))


def test_that_their_organizations_storage_is_nearly_full(service, reader, dot):
    """The organization's plan is as large as any: what is nearly full is told behind the scenes."""
    firm = found_organization(reader)

    async def filled():
        core = Core(load(DataFolder(service.data).endpoints()))
        async with core.opened():
            id = from_text("org", firm["orgId"])
            decide = partial(membership.note_usage, used=96, quota=100)
            await execute(core.store, Stream(id, organization.evolve), decide, by=NOBODY)

    asyncio.run(filled())
    eventually(lambda: len(told(reader)) == 2)

    assert {(it["kind"], it["orgId"]) for it in told(reader)} == {("quota", firm["orgId"])}
    assert [it["percent"] for it in told(reader)] == [95, 80]
    eventually(lambda: "95 % of Lens Ltd's storage is in use" in mails(reader))


def test_not_of_what_they_want_to_hear_nothing_of(service, ann, reader, dot):
    expect(reader.http.patch("/v1/me", json={"notify": {"shared": False}}), 200)
    image, witness = ann.upload(dot)["imageId"], Person(service, "witness")
    view = {"permissions": ["view"]}
    for whom in (reader, witness):
        expect(ann.http.put(f"/v1/images/{image}/collaborators/{whom.id}", json=view), 200)
    eventually(lambda: bool(told(witness)))  # then whoever came before was thought of, too
    quietly = {"shared.mail": False, "shared": True}
    expect(reader.http.patch("/v1/me", json={"notify": quietly}), 200)
    second = ann.upload(dot)["imageId"]
    expect(ann.http.put(f"/v1/images/{second}/collaborators/{reader.id}", json=view), 200)

    eventually(lambda: bool(told(reader)))

    assert [it["imageId"] for it in told(reader)] == [second]
    assert not [it for it in mails(reader) if "shared" in it]


def test_pages_and_cursors_tell_of_everything_once(service, ann, dot):
    listener = Person(service, "listener")
    for _ in range(5):
        path = f"/v1/images/{ann.upload(dot)['imageId']}/collaborators/{listener.id}"
        expect(ann.http.put(path, json={"permissions": ["view"]}), 200)
    eventually(lambda: len(told(listener)) == 5)

    def page(**asked):
        return expect(listener.http.get("/v1/notifications", params={"limit": 2} | asked), 200)

    paged = [it for number in (1, 2, 3) for it in page(page=number)["notifications"]]
    followed, cursor = [], {}
    while cursor is not None:
        part = page(**cursor)
        followed += part["notifications"]
        cursor = {"cursor": part["nextCursor"]} if part["nextCursor"] else None
    assert paged == followed == told(listener)
    expect(listener.http.post(f"/v1/notifications/{paged[0]['notificationId']}/read"), 200)
    assert (page()["total"], page(unread=True)["total"], page()["unread"]) == (5, 4, 4)


@pytest.mark.parametrize("cursor", ["x", "-1", "9" * 30, "1.5"])
def test_not_from_where_no_notice_can_be(ann, cursor):
    refused(ann.http.get("/v1/notifications", params={"cursor": cursor}), 422, "validation")
