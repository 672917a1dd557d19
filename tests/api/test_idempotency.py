"""Idempotency-Key on every POST there is: sent twice, at once or after a death, done once."""

import json
import os
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import msgspec
import psycopg
import pytest

from adapters.data_folder import DataFolder
from domain.ids import from_text
from settings import load
from tests.conftest import ADMINISTRATOR
from tests.elsewhere import web
from tests.exhibition import quarantine
from tests.people import PASSWORD, Person, eventually, expect, refused, sample

COPIES = 8
pytestmark = pytest.mark.usefixtures("admin")
PIXEL = sample("valid/sharp__2x2_fdcce6.png")
IGNORING = {
    *("/v1/auth/login", "/v1/auth/refresh", "/v1/auth/logout", "/oauth/token", "/v1/tus"),
    *("/v1/auth/password-reset/confirm", "/v1/auth/verify-email"),
    *("/v1/me/second-factor", "/v1/me/second-factor/confirm", "/s/{share}/unlock"),
}


class Request(msgspec.Struct, kw_only=True):
    """What is sent, the same with another body, and how many events it may bring about."""

    path: str
    body: dict[str, Any]
    other: dict[str, Any]
    events: int
    anonymous: bool = False
    http: httpx.Client | None = None
    """Who sends it, where it is somebody else."""


def promise(name: str = "a.png") -> dict[str, Any]:
    return {"filename": name, "size": len(PIXEL), "contentType": "image/png"}


def arrived(person: Person) -> dict[str, Any]:
    ticket = person.initiate(PIXEL)
    assert person.put(ticket, PIXEL).status_code == 200
    return ticket


def signing_up(_: Person) -> Request:
    name = f"twice-{secrets.token_hex(5)}"
    body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    return Request(
        path="/v1/auth/signup",
        body={"json": body},
        other={"json": body | {"username": name + "x"}},
        events=3,  # the account and the claims on both names
        anonymous=True,
    )


def initiating(_: Person) -> Request:
    return Request(
        path="/v1/uploads", body={"json": promise()}, other={"json": promise("b.png")}, events=1
    )


def initiating_many(_: Person) -> Request:
    many = [promise(), {"filename": "no size"}, promise()]
    return Request(
        path="/v1/uploads/batch",
        body={"json": {"uploads": many}},
        other={"json": {"uploads": many[:1]}},
        events=2,
    )


def finalizing(person: Person) -> Request:
    body = {"uploadId": arrived(person)["uploadId"]}
    return Request(
        path="/v1/images",
        body={"json": body},
        other={"json": body | {"title": "other"}},
        events=2,
    )


def finalizing_many(person: Person) -> Request:
    images = [{"uploadId": arrived(person)["uploadId"]} for _ in range(2)]
    return Request(
        path="/v1/images/batch",
        body={"json": {"images": images}},
        other={"json": {"images": images[:1]}},
        events=4,
    )


def sending_a_form(_: Person) -> Request:
    """httpx makes a new boundary for each copy, as browsers do."""
    return Request(
        path="/v1/images",
        body={"files": [("file", ("a.png", PIXEL)), ("file", ("b.png", PIXEL))]},
        other={"files": [("file", ("a.png", PIXEL)), ("file", ("c.png", PIXEL))]},
        events=6,
    )


def sending_a_large_form(_: Person) -> Request:
    """Too large to be read before the record is begun."""
    large = sample("valid/Pillow__rgb.jpg") + os.urandom(300_000)
    return Request(
        path="/v1/images",
        body={"files": {"file": ("a.jpg", large)}, "data": {"title": "one"}},
        other={"files": {"file": ("a.jpg", large[:-1] + b"x")}, "data": {"title": "one"}},
        events=4,
    )


def restoring(person: Person) -> Request:
    image = person.upload(PIXEL)
    expect(person.http.delete(f"/v1/images/{image['imageId']}"), 200)
    return Request(
        path=f"/v1/images/{image['imageId']}/restore",
        body={},
        other={"content": b"{}"},
        events=1,
    )


def purging(person: Person) -> Request:
    image = person.upload(PIXEL)
    return Request(
        path=f"/v1/images/{image['imageId']}/purge",
        body={},
        other={"content": b"{}"},
        events=1,
    )


def acting_on_many(person: Person) -> Request:
    images = [person.upload(PIXEL)["imageId"] for _ in range(2)]
    body = {"action": "delete", "imageIds": images}
    return Request(
        path="/v1/images/bulk",
        body={"json": body},
        other={"json": body | {"action": "purge"}},
        events=3,
    )


def purging_many(person: Person) -> Request:
    images = [person.upload(PIXEL)["imageId"] for _ in range(2)]
    return Request(
        path="/v1/images/bulk",
        body={"json": {"action": "purge", "imageIds": images}},
        other={"json": {"action": "purge", "imageIds": images[:1]}},
        events=3,
    )


def undoing(person: Person) -> Request:
    body = {"action": "delete", "imageIds": [person.upload(PIXEL)["imageId"]]}
    operation = expect(person.http.post("/v1/images/bulk", json=body), 200)["operationId"]
    return Request(
        path=f"/v1/operations/{operation}/undo", body={}, other={"content": b"{}"}, events=2
    )


def sharing(person: Person) -> Request:
    image = person.upload(PIXEL)
    return Request(
        path=f"/v1/images/{image['imageId']}/share",
        body={"json": {"expiresIn": 3600}},
        other={"json": {"expiresIn": 3601}},
        events=1,
    )


def signing_a_url(person: Person) -> Request:
    image = person.upload(PIXEL)
    return Request(
        path=f"/v1/images/{image['imageId']}/signed-url",
        body={"json": {"expiresIn": 3600}},
        other={"json": {"expiresIn": 3601}},
        events=0,
    )


def importing(_: Person) -> Request:
    url = web().url("/picture.png")
    return Request(
        path="/v1/uploads/import",
        body={"json": {"url": url}},
        other={"json": {"url": url, "title": "other"}},
        events=3,
    )


def issuing_a_key(_: Person) -> Request:
    body = {"name": "robot", "scopes": ["read"]}
    return Request(
        path="/v1/api-keys",
        body={"json": body},
        other={"json": body | {"scopes": ["write"]}},
        events=1,
    )


def making_an_album(_: Person) -> Request:
    body = {"title": "Summer"}
    return Request(
        path="/v1/albums", body={"json": body}, other={"json": {"title": "Winter"}}, events=1
    )


def sharing_an_album(person: Person) -> Request:
    album = expect(person.http.post("/v1/albums", json={"title": "Lent"}), 201)
    return Request(
        path=f"/v1/albums/{album['albumId']}/share",
        body={"json": {"expiresIn": 3600}},
        other={"json": {"expiresIn": 3601}},
        events=1,
    )


def filling_an_album(person: Person) -> Request:
    album = expect(person.http.post("/v1/albums", json={"title": "Full"}), 201)
    images = [person.upload(PIXEL)["imageId"] for _ in range(2)]
    body = {"action": "album", "imageIds": images, "albumId": album["albumId"]}
    return Request(
        path="/v1/images/bulk",
        body={"json": body},
        other={"json": body | {"imageIds": images[:1]}},
        events=3,
    )


def organization(person: Person) -> str:
    """Of somebody new: an account owns only so many."""
    made = expect(person.http.post("/v1/orgs", json={"name": "Firm"}), 201)["orgId"]
    return f"/v1/orgs/{made}"


def founding(person: Person) -> Request:
    founder = Person(person.service, "founder")
    return Request(
        path="/v1/orgs",
        body={"json": {"name": "One"}},
        other={"json": {"name": "Two"}},
        events=1,
        http=founder.http,
    )


def making_a_team(person: Person) -> Request:
    founder = Person(person.service, "founder")
    return Request(
        path=f"{organization(founder)}/teams",
        body={"json": {"name": "One"}},
        other={"json": {"name": "Two"}},
        events=1,
        http=founder.http,
    )


def inviting(person: Person) -> Request:
    founder = Person(person.service, "founder")
    return Request(
        path=f"{organization(founder)}/invitations",
        body={"json": {"email": "one@example.org"}},
        other={"json": {"email": "two@example.org"}},
        events=1,
        http=founder.http,
    )


def invited(person: Person, whom: Person) -> tuple[str, dict[str, Any]]:
    path = organization(person)
    invitation = {"email": whom.email, "role": "editor"}
    return path, expect(person.http.post(f"{path}/invitations", json=invitation), 201)


def joining_by_a_token(person: Person) -> Request:
    founder = Person(person.service, "founder")
    token = invited(founder, person)[1]["token"]
    return Request(
        path="/v1/invitations/accept",
        body={"json": {"token": token}},
        other={"json": {"token": "x"}},
        events=1,
    )


def issuing_an_upload_token(_: Person) -> Request:
    return Request(
        path="/v1/upload-tokens",
        body={"json": {"number": 2}},
        other={"json": {"number": 3}},
        events=1,
    )


def restoring_an_album(person: Person) -> Request:
    album = expect(person.http.post("/v1/albums", json={"title": "Old"}), 201)["albumId"]
    answer = person.http.patch(f"/v1/albums/{album}", json={"title": "New"})
    at = int(answer.headers["darkroom-position"])
    return Request(
        path=f"/v1/albums/{album}/restore-to",
        body={"json": {"at": at - 1}},
        other={"json": {"at": at}},
        events=2,  # that it was begun, and what it did
    )


def restoring_everything(_: Person) -> Request:
    return Request(
        path="/v1/me/restore-to",
        body={"json": {"at": 0, "dryRun": True}},
        other={"json": {"at": 1, "dryRun": True}},
        events=0,
    )


def ordering_a_rebuild(person: Person) -> Request:
    login = {"email": ADMINISTRATOR, "password": PASSWORD}
    token = expect(person.service.client().post("/v1/auth/login", json=login), 200)
    return Request(
        path="/v1/admin/projections/search/rebuild",
        body={},
        other={"content": b"{}"},
        events=1,
        http=person.service.client(token["accessToken"]),
    )


def seeing_to(act: str) -> Callable[[Person], Request]:
    def seeing_to_a_parked_event(person: Person) -> Request:
        """One that was parked for no reason that is left."""
        image = person.upload(PIXEL)["imageId"]
        events = expect(person.http.get(f"/v1/images/{image}/history"), 200)["events"]
        position = max(it["position"] for it in events)
        park(person, image, position)
        return Request(
            path=f"/v1/admin/parked-events/{position}/{act}",
            body={"json": {"reason": "a mistake"}} if act == "skip" else {},
            other={"json": {"reason": "another"}},
            events=1,
            http=administrator(person),
        )

    return seeing_to_a_parked_event


def park(person: Person, image: str, position: int) -> None:
    url = load(DataFolder(person.service.data).endpoints()).database_url
    with psycopg.connect(url) as connection:
        connection.execute(
            "insert into gallery.parked (position, stream_id, topic, error)"
            " values (%s, %s, 'image.cleared', 'a mistake')",
            (position, from_text("img", image)),
        )


HOOK = {"url": "https://hook.invalid/", "types": ["claim"]}


def making_a_webhook(person: Person) -> Request:
    return Request(
        path="/v1/webhooks",
        body={"json": HOOK},
        other={"json": HOOK | {"types": []}},
        events=1,
        http=Person(person.service, "hooked").http,
    )


def redelivering(person: Person) -> Request:
    id = expect(person.http.post("/v1/webhooks", json=HOOK), 201)["webhookId"]
    return Request(
        path=f"/v1/webhooks/{id}/redeliver",
        body={"json": {"from": 1}},
        other={"json": {"from": 2}},
        events=1,
    )


def rotating(person: Person) -> Request:
    id = expect(person.http.post("/v1/webhooks", json=HOOK), 201)["webhookId"]
    return Request(
        path=f"/v1/webhooks/{id}/rotate-secret", body={}, other={"content": b"{}"}, events=1
    )


def asking_for_a_reset(_: Person) -> Request:
    address = f"forgot-{secrets.token_hex(5)}@example.org"
    return Request(
        path="/v1/auth/password-reset",
        body={"json": {"email": address}},
        other={"json": {"email": "x" + address}},
        events=0,
        anonymous=True,
    )


def asking_for_a_mail(_: Person) -> Request:
    return Request(path="/v1/me/verification", body={}, other={"content": b"{}"}, events=0)


def administrator(person: Person) -> httpx.Client:
    login = {"email": ADMINISTRATOR, "password": PASSWORD}
    token = expect(person.service.client().post("/v1/auth/login", json=login), 200)
    return person.service.client(token["accessToken"])


def administering(act: str, *before: str) -> Callable[[Person], Request]:
    def made(person: Person) -> Request:
        http = administrator(person)
        path = f"/v1/admin/users/{Person(person.service).id}"
        for step in before:
            expect(http.post(f"{path}/{step}", json={"reason": "before"}), 200)
        body = {"reason": "why"}
        return Request(
            path=f"{path}/{act}",
            body={"json": body},
            other={"json": body | {"reason": "other"}},
            events=1,
            http=http,
        )

    made.__name__ = act
    return made


def reviewing(act: str, *before: str, events: int = 1) -> Callable[[Person], Request]:
    def made(person: Person) -> Request:
        http = administrator(person)
        path = f"/v1/admin/images/{person.upload(PIXEL)['imageId']}"
        for step in before:
            assert http.post(f"{path}/{step}", json={"reason": "before"}).is_success
        body = {"reason": "why"}
        return Request(
            path=f"{path}/{act}",
            body={"json": body},
            other={"json": body | {"reason": "other"}},
            events=events,
            http=http,
        )

    made.__name__ = act
    return made


def objecting(person: Person) -> Request:
    request = reviewing("takedown")(person)
    assert request.http
    assert request.http.post(request.path, **request.body).is_success
    return Request(
        path=request.path.replace("/admin", "").replace("takedown", "counter-notice"),
        body={"json": {"statement": "mine"}},
        other={"json": {"statement": "not theirs"}},
        events=1,
    )


def deciding(act: str, *, events: int) -> Callable[[Person], Request]:
    def made(person: Person) -> Request:
        request = reviewing(act, events=events)(person)
        quarantine(person.service, request.path.split("/")[-2])
        return msgspec.structs.replace(request, path=request.path.replace("images", "quarantine"))

    made.__name__ = act
    return made


def reading_a_notice(person: Person) -> Request:
    request = reviewing("takedown")(person)
    assert request.http
    assert request.http.post(request.path, **request.body).is_success
    image = request.path.split("/")[-2]

    def notices() -> list[str]:
        found = expect(person.http.get("/v1/notifications"), 200)["notifications"]
        return [it["notificationId"] for it in found if it.get("imageId") == image]

    eventually(lambda: bool(notices()))
    path = f"/v1/notifications/{notices()[0]}/read"
    return Request(path=path, body={}, other={"json": {"x": 1}}, events=0)


def scanning_all_again(person: Person) -> Request:
    request = reviewing("rescan")(person)
    body = {"reason": "why", "since": "2100-01-01T00:00:00Z"}
    return msgspec.structs.replace(request, path="/v1/admin/rescan", body={"json": body}, events=0)


def joining(person: Person) -> Request:
    founder = Person(person.service, "founder")
    id = invited(founder, person)[1]["invitationId"]
    return Request(path=f"/v1/invitations/{id}/accept", body={}, other={"content": b"{}"}, events=1)


def handing_over(person: Person) -> Request:
    founder, heir = Person(person.service, "founder"), Person(person.service, "heir")
    path, invitation = invited(founder, heir)
    token = {"token": invitation["token"]}
    expect(heir.http.post("/v1/invitations/accept", json=token), 200)
    return Request(
        path=f"{path}/transfer",
        body={"json": {"userId": heir.id}},
        other={"json": {"userId": founder.id}},
        events=1,
        http=founder.http,
    )


def reporting(person: Person) -> Request:
    body = {"imageId": person.upload(PIXEL)["imageId"], "reason": "spam"}
    return Request(
        path="/v1/reports",
        body={"json": body},
        other={"json": body | {"reason": "other"}},
        events=1,
        anonymous=True,
    )


def judging(person: Person) -> Request:
    body = {"imageId": person.upload(PIXEL)["imageId"], "reason": "spam"}
    report = expect(person.http.post("/v1/reports", json=body), 202)["reportId"]
    word = {"action": "dismiss", "reason": "why"}
    return Request(
        path=f"/v1/admin/reports/{report}/resolve",
        body={"json": word},
        other={"json": word | {"reason": "other"}},
        events=1,
        http=administrator(person),
    )


def blocking(person: Person) -> Request:
    body = {"sha256": secrets.token_hex(32), "reason": "why"}
    return Request(
        path="/v1/admin/blocklist",
        body={"json": body},
        other={"json": body | {"reason": "other"}},
        events=1,
        http=administrator(person),
    )


POSTS: dict[str, list[Callable[[Person], Request]]] = {
    "/v1/auth/signup": [signing_up],
    "/v1/auth/password-reset": [asking_for_a_reset],
    "/v1/me/verification": [asking_for_a_mail],
    "/v1/admin/users/{id}/suspend": [administering("suspend")],
    "/v1/admin/users/{id}/reinstate": [administering("reinstate", "suspend")],
    "/v1/admin/users/{id}/sign-out": [administering("sign-out")],
    "/v1/reports": [reporting],
    "/v1/admin/blocklist": [blocking],
    "/v1/admin/reports/{id}/resolve": [judging],
    "/v1/admin/images/{id}/rescan": [reviewing("rescan")],
    "/v1/admin/images/{id}/takedown": [reviewing("takedown", events=2)],
    "/v1/admin/images/{id}/reinstate": [reviewing("reinstate", "takedown", events=2)],
    "/v1/images/{id}/counter-notice": [objecting],
    "/v1/admin/quarantine/{id}/release": [deciding("release", events=2)],
    "/v1/admin/quarantine/{id}/confirm": [deciding("confirm", events=1)],
    "/v1/notifications/{id}/read": [reading_a_notice],
    "/v1/admin/rescan": [scanning_all_again],
    "/v1/upload-tokens": [issuing_an_upload_token],
    "/v1/api-keys": [issuing_a_key],
    "/v1/admin/projections/{name}/rebuild": [ordering_a_rebuild],
    "/v1/admin/parked-events/{position}/retry": [seeing_to("retry")],
    "/v1/admin/parked-events/{position}/skip": [seeing_to("skip")],
    "/v1/albums/{id}/restore-to": [restoring_an_album],
    "/v1/me/restore-to": [restoring_everything],
    "/v1/webhooks": [making_a_webhook],
    "/v1/webhooks/{id}/redeliver": [redelivering],
    "/v1/webhooks/{id}/rotate-secret": [rotating],
    "/v1/uploads": [initiating],
    "/v1/uploads/batch": [initiating_many],
    "/v1/uploads/import": [importing],
    "/v1/images": [finalizing, sending_a_form, sending_a_large_form],
    "/v1/images/batch": [finalizing_many],
    "/v1/images/{id}/restore": [restoring],
    "/v1/images/{id}/purge": [purging],
    "/v1/images/bulk": [acting_on_many, purging_many, filling_an_album],
    "/v1/albums": [making_an_album],
    "/v1/albums/{id}/share": [sharing_an_album],
    "/v1/orgs": [founding],
    "/v1/orgs/{id}/teams": [making_a_team],
    "/v1/orgs/{id}/invitations": [inviting],
    "/v1/orgs/{id}/transfer": [handing_over],
    "/v1/invitations/accept": [joining_by_a_token],
    "/v1/invitations/{id}/accept": [joining],
    "/v1/operations/{id}/undo": [undoing],
    "/v1/images/{id}/share": [sharing],
    "/v1/images/{id}/signed-url": [signing_a_url],
}
EACH = [made for several in POSTS.values() for made in several]


COUNT = """
    select count(*) from log.darkroom_events
    where topic not in ('image.rescan-passed', 'account.new-device-seen')"""
"""What the scanner says, and what is noticed of a device, comes later, by itself."""


class Log:
    """The events and the records of a service, from behind."""

    def __init__(self, service) -> None:
        self._url = load(DataFolder(service.data).endpoints()).database_url

    def events(self) -> int:
        with psycopg.connect(self._url) as connection:
            return connection.execute(COUNT).fetchone()[0]

    def lose_answers(self) -> None:
        """As if every API process had died right before it kept its answer."""
        with psycopg.connect(self._url) as connection:
            connection.execute(
                "update idempotency.records set answer = null, held_until = '-infinity'"
            )


@pytest.fixture
def log(service):
    return Log(service)


def send(person: Person, request: Request, key: str, *, other: bool = False) -> httpx.Response:
    http = person.service.client() if request.anonymous else request.http or person.http
    headers = {"Idempotency-Key": key}
    return http.post(request.path, headers=headers, **(request.other if other else request.body))


def new_key() -> str:
    return secrets.token_urlsafe(16)


def same(answer: httpx.Response, first: httpx.Response) -> bool:
    kept = ("content-type", "location", "etag", "darkroom-position")
    return (answer.status_code, answer.content) == (first.status_code, first.content) and all(
        answer.headers.get(name) == first.headers.get(name) for name in kept
    )


def test_every_post_is_tried_here(service):
    paths = service.client().get("/schema/openapi.json").json()["paths"]

    assert {path for path, methods in paths.items() if "post" in methods} == (set(POSTS) | IGNORING)


@pytest.mark.parametrize("made", EACH, ids=lambda made: made.__name__)
def test_copies_at_once_have_one_effect_and_one_answer(ann, log, made):
    request, key = made(ann), new_key()
    before = log.events()

    with ThreadPoolExecutor(COPIES) as pool:
        answers = list(pool.map(lambda _: send(ann, request, key), range(COPIES)))

    done = [answer for answer in answers if answer.is_success]
    first = next(it for it in done if "idempotency-replayed" not in it.headers)
    for answer in answers:
        if not answer.is_success:
            refused(answer, 409, "idempotency_in_progress")
            assert int(answer.headers["retry-after"]) > 0
        else:
            assert same(answer, first)
    assert sum("idempotency-replayed" not in it.headers for it in done) == 1
    assert log.events() - before == request.events


@pytest.mark.parametrize("made", EACH, ids=lambda made: made.__name__)
def test_the_same_again_is_answered_the_same_and_another_body_is_refused(ann, log, made):
    request, key = made(ann), new_key()
    before = log.events()
    first = send(ann, request, key)

    again = send(ann, request, key)
    reused = send(ann, request, key, other=True)

    assert first.is_success, first.text
    assert same(again, first)
    assert again.headers["idempotency-replayed"] == "true"
    refused(reused, 422, "idempotency_key_reused")
    assert log.events() - before == request.events


@pytest.mark.parametrize("made", EACH, ids=lambda made: made.__name__)
def test_an_answer_that_was_lost_with_its_process_is_made_again_from_what_is_there(ann, log, made):
    request, key = made(ann), new_key()
    before = log.events()
    first = send(ann, request, key)
    log.lose_answers()

    again = send(ann, request, key)

    assert again.is_success, again.text
    assert "idempotency-replayed" not in again.headers
    assert ids(again.json()) == ids(first.json())
    assert log.events() - before == request.events
    assert same(send(ann, request, key), again)


def ids(body: Any) -> set[str]:
    """Whatever the answer names as made."""
    text = json.dumps(body)
    prefixes = ("img_", "upl_", "shr_", "alb_", "org_", "team_", "inv_", "u_", "key_", "upt_")
    return {part for part in text.split('"') if part.startswith(prefixes)}


def test_what_a_dead_process_did_is_found_by_a_retry_with_another_body_too(ann, log):
    request, key = initiating(ann), new_key()
    send(ann, request, key)
    log.lose_answers()

    refused(send(ann, request, key, other=True), 422, "idempotency_key_reused")


def test_one_persons_key_is_not_anothers(ann, ben):
    key, body = new_key(), {"json": promise(), "headers": {}}
    body["headers"]["Idempotency-Key"] = key

    first = expect(ann.http.post("/v1/uploads", **body), 201)
    second = expect(ben.http.post("/v1/uploads", **body), 201)

    assert first["uploadId"] != second["uploadId"]


def test_a_lesser_credential_is_not_shown_what_a_mightier_one_was_answered(ann):
    wish, key = {"name": "deploy", "scopes": ["admin"]}, {"Idempotency-Key": "deploy"}
    mighty = expect(ann.http.post("/v1/api-keys", json=wish, headers=key), 201)
    lesser = {"name": "writes", "scopes": ["write"]}
    made = expect(ann.http.post("/v1/api-keys", json=lesser), 201)
    stolen = ann.service.client(made["secret"])

    refused(stolen.post("/v1/api-keys", json=wish, headers=key), 403, "forbidden")

    again = expect(ann.http.post("/v1/api-keys", json=wish, headers=key), 201)
    assert again["secret"] == mighty["secret"]
    first = expect(stolen.post("/v1/api-keys", json=lesser, headers=key), 201)
    assert expect(stolen.post("/v1/api-keys", json=lesser, headers=key), 201) == first


def test_a_key_stands_for_one_path(ann):
    key = new_key()
    headers = {"Idempotency-Key": key}
    image = ann.upload(PIXEL)["imageId"]
    other = ann.upload(PIXEL)["imageId"]

    one = expect(ann.http.post(f"/v1/images/{image}/share", json={}, headers=headers), 201)
    two = expect(ann.http.post(f"/v1/images/{other}/share", json={}, headers=headers), 201)

    assert one["shareId"] != two["shareId"]


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "caf\xe9", "tab\there"])
def test_a_key_is_1_to_255_visible_characters(ann, key):
    headers = {"Idempotency-Key": key.encode("latin-1")}

    problem = refused(
        ann.http.post("/v1/uploads", json=promise(), headers=headers), 422, "validation"
    )

    assert problem["errors"][0]["field"] == "Idempotency-Key"


def test_the_longest_key_is_fine_and_two_are_not(ann):
    longest = {"Idempotency-Key": secrets.token_hex(128)[:255]}
    expect(ann.http.post("/v1/uploads", json=promise(), headers=longest), 201)

    twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    refused(ann.http.post("/v1/uploads", json=promise(), headers=twice), 422, "validation")


def test_malformed_fields_can_be_corrected_under_the_same_key(ann):
    headers = {"Idempotency-Key": new_key()}
    refused(ann.http.post("/v1/uploads", json={"size": 0}, headers=headers), 422, "validation")

    answer = ann.http.post("/v1/uploads", json=promise(), headers=headers)

    expect(answer, 201)
    assert "idempotency-replayed" not in answer.headers


def test_bytes_that_come_later_are_waited_for_under_the_same_key(ann):
    ticket = ann.initiate(PIXEL)
    headers = {"Idempotency-Key": new_key()}
    body = {"uploadId": ticket["uploadId"]}
    refused(ann.http.post("/v1/images", json=body, headers=headers), 409, "upload_incomplete")
    ann.put(ticket, PIXEL)

    expect(ann.http.post("/v1/images", json=body, headers=headers), 201)


def test_a_verdict_on_bytes_is_kept(ann):
    files = {"file": ("a.jpg", sample("valid/Pillow__rgb.jpg")[:600])}
    headers = {"Idempotency-Key": new_key()}
    first = ann.http.post("/v1/images", files=files, headers=headers)
    problem = refused(first, 422, "corrupt_image")

    again = ann.http.post("/v1/images", files=files, headers=headers)

    assert again.headers["idempotency-replayed"] == "true"
    assert refused(again, 422, "corrupt_image") == problem


def test_strangers_are_turned_away_before_their_key_means_anything(service, ann):
    headers = {"Idempotency-Key": new_key()}
    refused(
        service.client().post("/v1/uploads", json=promise(), headers=headers),
        401,
        "unauthenticated",
    )

    expect(ann.http.post("/v1/uploads", json=promise(), headers=headers), 201)


def test_tokens_are_never_kept_to_be_read_again(ann):
    headers = {"Idempotency-Key": new_key()}
    body = {"email": ann.email, "password": PASSWORD}
    http = ann.service.client()

    first = expect(http.post("/v1/auth/login", json=body, headers=headers), 200)
    second = expect(http.post("/v1/auth/login", json=body, headers=headers), 200)

    assert first["refreshToken"] != second["refreshToken"]


def test_who_signed_up_before_a_death_keeps_the_password_and_can_log_in(ann, log):
    request, key = signing_up(ann), new_key()
    send(ann, request, key)
    log.lose_answers()

    expect(send(ann, request, key), 201)

    body = request.body["json"]
    login = {"email": body["email"], "password": body["password"]}
    expect(ann.service.client().post("/v1/auth/login", json=login), 200)


def test_kill_9_of_the_api_leaves_no_image_twice_and_none_out(service):
    """Each upload is sent with one key until it is answered, while its server dies."""
    person = Person(service, "kill")
    keys = [new_key() for _ in range(12)]

    def upload(key: str) -> str:
        content = sample("valid/Pillow__rgb.jpg") + key.encode()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                with service.client(person.tokens["accessToken"]) as http:
                    answer = http.post(
                        "/v1/images",
                        files={"file": ("k.jpg", content)},
                        headers={"Idempotency-Key": key},
                    )
            except httpx.TransportError:
                time.sleep(0.1)
                continue
            if answer.status_code == 201:
                return answer.json()["imageId"]
            assert answer.status_code in (409, 503), answer.text
            time.sleep(float(answer.headers["retry-after"]) / 4)
        raise AssertionError("never answered")

    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(upload, key) for key in keys]
        for _ in range(3):
            time.sleep(0.4)
            service.kill("api")
            service.await_ready()
        made = [it.result() for it in waiting]

    person.http = service.client(person.tokens["accessToken"])
    listed = person.http.get("/v1/images", params={"user": person.id, "limit": 100}).json()
    assert len(set(made)) == len(keys)
    assert {image["imageId"] for image in listed["images"]} == set(made)
