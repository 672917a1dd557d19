"""Upload tokens over HTTP: what a guest may bring, how often, and nothing else."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.people import Person, eventually, expect, put, refused, sample

PNG = sample("valid/sharp__2x2_fdcce6.png")
JPEG = sample("valid/Pillow__rgb.jpg")


@pytest.fixture
def host(service):
    return Person(service, "host")


@pytest.fixture
def token(host):
    """A guest's client, and what the host was shown."""

    def token(**terms):
        made = expect(host.http.post("/v1/upload-tokens", json=terms), 201)
        return host.service.client(made["token"]), made

    return token


def send(guest, content=PNG, name="a.png", **fields):
    return guest.post("/v1/images", files={"file": (name, content)}, data=fields)


def promise(guest, content=PNG, **more):
    body = {"filename": "a.png", "size": len(content), "contentType": "image/png"} | more
    return guest.post("/v1/uploads", json=body)


def left(host, made):
    listed = expect(host.http.get("/v1/upload-tokens"), 200)["uploadTokens"]
    return {it["tokenId"]: it["remaining"] for it in listed}[made["tokenId"]]


def test_a_guest_brings_an_image_into_the_hosts_account(host, token):
    guest, made = token(number=2)
    assert (made["number"], made["remaining"], made["type"], made["maxSize"]) == (2, 2, None, None)

    image = expect(send(guest, title="For you"), 201)

    assert image["ownerId"] == host.id
    assert image["visibility"] == "private"
    assert expect(host.http.get(f"/v1/images/{image['imageId']}"), 200)["title"] == "For you"
    assert left(host, made) == 1


def test_or_by_way_of_a_presigned_url(host, token):
    guest, made = token()
    ticket = expect(promise(guest), 201)
    assert put(ticket["presignedUrl"], PNG, ticket["headers"]).status_code == 200

    image = expect(guest.post("/v1/images", json={"uploadId": ticket["uploadId"]}), 201)

    assert image["ownerId"] == host.id
    expect(guest.post("/v1/images", json={"uploadId": ticket["uploadId"]}), 200)
    refused(promise(guest), 403, "upload_token_spent")
    assert left(host, made) == 0


def test_of_many_at_once_as_many_get_in_as_the_token_says(host, token):
    guest, made = token(number=3)

    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: promise(guest), range(12)))

    assert Counter(it.status_code for it in answers) == {201: 3, 403: 9}
    for answer in answers:
        if answer.status_code == 403:
            refused(answer, 403, "upload_token_spent")
    assert left(host, made) == 0


def test_what_is_too_large_is_refused_and_costs_nothing(host, token):
    guest, made = token(maxSize=len(PNG))

    for answer in (promise(guest, size=len(PNG) + 1), send(guest, JPEG)):
        problem = refused(answer, 413, "file_too_large")
        assert problem["limitBytes"] == len(PNG)
    assert left(host, made) == 1
    expect(send(guest), 201)


def test_the_type_is_that_of_the_bytes_whatever_they_are_called(host, token):
    guest, made = token(type="image/jpeg")

    problem = refused(send(guest, PNG, "lie.jpg"), 415, "unsupported_format")
    assert (problem["accepted"], problem["found"]) == ("jpeg", "png")
    ticket = expect(promise(guest, contentType="image/jpeg"), 201)
    put(ticket["presignedUrl"], PNG, ticket["headers"])
    answer = guest.post("/v1/images", json={"uploadId": ticket["uploadId"]})
    refused(answer, 415, "unsupported_format")
    assert expect(host.http.get("/v1/images", params={"user": host.id}), 200)["total"] == 0
    assert left(host, made) == 0, "the promise was taken up, and broken"


def test_bytes_that_are_refused_with_the_promise_cost_nothing(host, token):
    guest, made = token()

    refused(send(guest, b"no image", "a.png"), 415, "unsupported_format")

    assert left(host, made) == 1


def test_a_guest_does_nothing_else(host, token, ben):
    guest, _ = token(number=5)
    mine = host.upload(PNG)
    ticket = host.initiate(PNG)
    for method, path in (
        ("GET", "/v1/me"),
        ("GET", "/v1/images"),
        ("GET", f"/v1/images/{mine['imageId']}"),
        ("GET", mine["url"]),
        ("PATCH", f"/v1/images/{mine['imageId']}"),
        ("DELETE", f"/v1/images/{mine['imageId']}"),
        ("DELETE", f"/v1/uploads/{ticket['uploadId']}"),
        ("POST", "/v1/uploads/batch"),
        ("POST", "/v1/upload-tokens"),
        ("POST", "/v1/api-keys"),
        ("DELETE", "/v1/me"),
    ):
        problem = refused(guest.request(method, path, json={}), 403, "forbidden")
        assert "neededScope" in problem
    theirs = guest.post("/v1/images", json={"uploadId": ticket["uploadId"]})
    refused(theirs, 404, "not_found")
    assert refused(send(guest, visibility="public"), 403, "forbidden")


def album_of(person, **more):
    return expect(person.http.post("/v1/albums", json={"title": "Party"} | more), 201)["albumId"]


def inside(person, album):
    found = expect(person.http.get(f"/v1/albums/{album}/images"), 200)["images"]
    return {it["imageId"] for it in found}


def test_what_comes_by_a_token_goes_to_its_album(host, token):
    album = album_of(host)
    guest, made = token(number=2, albumId=album)
    assert made["albumId"] == album
    (listed,) = expect(host.http.get("/v1/upload-tokens"), 200)["uploadTokens"]
    assert listed["albumId"] == album

    image = expect(send(guest), 201)
    ticket = expect(promise(guest), 201)
    put(ticket["presignedUrl"], PNG, ticket["headers"])
    other = expect(guest.post("/v1/images", json={"uploadId": ticket["uploadId"]}), 201)

    assert inside(host, album) == {image["imageId"], other["imageId"]}


def test_nobody_makes_a_token_for_an_album_that_they_may_not_fill(host, ben):
    for album, status, code in (
        (album_of(ben), 404, "not_found"),
        (album_of(ben, visibility="public"), 403, "forbidden"),
        ("alb_x", 404, "not_found"),
    ):
        answer = host.http.post("/v1/upload-tokens", json={"albumId": album})
        refused(answer, status, code)


def test_a_guest_does_not_choose_the_album(host, token):
    """Else they put pictures under everybody's eyes, or on an organization's quota."""
    album = album_of(host, visibility="public")
    guest, made = token(number=9)
    ticket = expect(promise(guest), 201)
    put(ticket["presignedUrl"], PNG, ticket["headers"])

    for answer in (
        send(guest, albumId=album),
        promise(guest, albumId=album),
        guest.post("/v1/images", json={"uploadId": ticket["uploadId"], "albumId": album}),
    ):
        assert "album" in refused(answer, 403, "forbidden")["reason"]
    assert inside(host, album) == set()
    assert left(host, made) == 8


@pytest.mark.parametrize("wish", ["keep", "return"])
def test_a_guest_learns_nothing_of_what_the_host_has_already(host, token, wish):
    expect(host.http.patch("/v1/me", json={"duplicates": wish}), 200)
    content = PNG + b"<the same>"
    mine = host.upload(content, title="For my eyes only")
    guest, _ = token(number=9)
    ticket = expect(promise(guest, content), 201)
    put(ticket["presignedUrl"], content, ticket["headers"])

    for answer in (
        send(guest, content),
        guest.post("/v1/images", json={"uploadId": ticket["uploadId"]}),
    ):
        image = expect(answer, 201)
        assert image["imageId"] != mine["imageId"]
        assert "duplicateOf" not in image
        assert image["title"] == ""


def test_what_the_host_makes_of_it_later_is_not_shown_to_the_guest(host, token):
    guest, _ = token()
    ticket = expect(promise(guest), 201)
    put(ticket["presignedUrl"], PNG, ticket["headers"])
    body = {"uploadId": ticket["uploadId"], "title": "From me"}
    image = expect(guest.post("/v1/images", json=body), 201)
    later = {"title": "Blackmail", "tags": ["evidence"], "visibility": "unlisted"}
    expect(host.http.patch(f"/v1/images/{image['imageId']}", json=later), 200)

    again = expect(guest.post("/v1/images", json=body), 200)

    told = ("imageId", "title", "tags", "visibility", "updatedAt")
    assert [again[it] for it in told] == [image[it] for it in told]


def test_a_guest_is_not_told_how_full_the_account_is(host, token, admin):
    host.upload(PNG)
    change = {"quotaBytes": 2 * len(PNG) - 1, "reason": "a small room"}
    expect(admin.http.patch(f"/v1/admin/users/{host.id}", json=change), 200)
    guest, made = token()

    no = refused(promise(guest), 413, "quota_exceeded")

    assert no["requestedBytes"] == len(PNG)
    assert {"usedBytes", "limitBytes"}.isdisjoint(no)
    assert left(host, made) == 1


def test_one_guest_does_not_finish_what_another_began(token):
    (first, _), (second, _) = token(), token()
    ticket = expect(promise(first), 201)
    put(ticket["presignedUrl"], PNG, ticket["headers"])

    answer = second.post("/v1/images", json={"uploadId": ticket["uploadId"]})

    refused(answer, 404, "not_found")
    expect(first.post("/v1/images", json={"uploadId": ticket["uploadId"]}), 201)


def test_guests_with_the_same_idempotency_key_are_strangers(host, token):
    (first, _), (second, _) = token(), token()
    key = {"Idempotency-Key": "the-same"}
    body = {"filename": "a.png", "size": len(PNG), "contentType": "image/png"}

    ids = {
        expect(http.post("/v1/uploads", json=body, headers=key), 201)["uploadId"]
        for http in (first, second, host.http)
    }

    assert len(ids) == 3


def test_a_repeated_request_uses_the_token_once(host, token):
    guest, made = token(number=5)
    key = {"Idempotency-Key": "again"}
    body = {"filename": "a.png", "size": len(PNG), "contentType": "image/png"}

    ids = {
        expect(guest.post("/v1/uploads", json=body, headers=key), 201)["uploadId"] for _ in range(3)
    }

    assert (len(ids), left(host, made)) == (1, 4)


def test_a_token_ends_when_it_is_told_to_and_by_itself(host, token, ben):
    guest, made = token(number=9)
    path = f"/v1/upload-tokens/{made['tokenId']}"
    refused(ben.http.delete(path), 404, "not_found")
    expect(promise(guest), 201)

    for _ in range(2):
        assert host.http.delete(path).status_code == 204

    refused(promise(guest), 401, "unauthenticated")
    assert expect(host.http.get("/v1/upload-tokens"), 200)["uploadTokens"] == []
    mortal, _ = token(expiresIn=1)
    eventually(lambda: promise(mortal, size=0).status_code == 401, within=5)


@pytest.mark.parametrize(
    "terms",
    [
        {"number": 0},
        {"maxSize": 0},
        {"type": "image/svg+xml"},
        {"expiresIn": 0},
        {"expiresIn": 91 * 86_400},
        {"album": "x"},
    ],
)
def test_what_is_no_token(host, terms):
    refused(host.http.post("/v1/upload-tokens", json=terms), 422, "validation")
