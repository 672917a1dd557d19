"""From the last byte to the image: what a tus client said at the beginning counts at the end."""

import hashlib
import os

import pytest

from tests.people import PASSWORD, Person, expect, refused, sample
from tests.tus import Tus

PHOTO = sample("valid/Pillow__rgb.jpg")
EVERYTHING = {
    "filename": "lake.jpg",
    "filetype": "image/jpeg",
    "title": "Lake",
    "description": "Deep",
    "tags": "water, blue",
    "visibility": "public",
    "custom": '{"camera": "X"}',
    "relativePath": "pictures/lake.jpg",
}


@pytest.fixture(scope="module")
def tus(ann: Person) -> Tus:
    return Tus(ann)


def assert_as_said(image: dict) -> None:
    assert image["filename"] == "lake.jpg"
    assert (image["title"], image["description"]) == ("Lake", "Deep")
    assert (image["tags"], image["visibility"]) == (["water", "blue"], "public")
    assert image["custom"] == {"camera": "X"}


def test_the_last_patch_makes_the_image(tus, ann):
    path = tus.created(len(PHOTO), **EVERYTHING, finalize="true")
    first = tus.patch(path, 0, PHOTO[:1000])
    assert "Darkroom-Image-Id" not in first.headers

    last = tus.patch(path, 1000, PHOTO[1000:])

    assert last.status_code == 204
    id = last.headers["Darkroom-Image-Id"]
    assert int(last.headers["Darkroom-Position"]) > 0
    assert_as_said(expect(ann.http.get(f"/v1/images/{id}"), 200))
    again = tus.head(path)
    assert again.headers["Darkroom-Image-Id"] == id
    assert again.headers["Upload-Offset"] == str(len(PHOTO))
    assert tus.patch(path, len(PHOTO), b"").headers["Darkroom-Image-Id"] == id
    refused(tus.patch(path, 0, PHOTO), 409, "offset_mismatch")


def test_creation_with_all_the_bytes_makes_the_image_at_once(tus, ann):
    answer = tus.create(len(PHOTO), PHOTO, said=EVERYTHING | {"finalize": "true"})

    assert answer.status_code == 201
    id = answer.headers["Darkroom-Image-Id"]
    assert ann.http.get(f"/images/{id}").content == PHOTO


def test_without_it_the_image_is_made_as_of_any_upload(tus, ann):
    path = tus.created(len(PHOTO), **EVERYTHING)
    assert "Darkroom-Image-Id" not in tus.patch(path, 0, PHOTO).headers
    ticket = {"uploadId": path.rpartition("/")[2]}
    assert expect(ann.http.get(f"/v1/uploads/{ticket['uploadId']}"), 200)["status"] == "complete"

    image = expect(ann.finalize(ticket), 201)

    assert_as_said(image)


def test_what_is_said_at_the_end_comes_before_what_was_said_at_the_beginning(tus, ann):
    path = tus.created(len(PHOTO), **EVERYTHING)
    tus.patch(path, 0, PHOTO)

    ticket = {"uploadId": path.rpartition("/")[2]}
    image = expect(ann.finalize(ticket, title="Sea", visibility="private", tags=[]), 201)

    assert (image["title"], image["visibility"], image["tags"]) == ("Sea", "private", [])
    assert image["description"] == "Deep"


@pytest.mark.parametrize("size", [9_000, 18_000_000])
def test_bytes_that_are_no_image_are_a_problem_with_its_code(service, size):
    owner = Person(service, "nonsense")
    tus, content = Tus(owner), os.urandom(size)
    path = tus.created(size, filename="a.jpg", finalize="true")
    tus.patch(path, 0, content[:5000])

    refused(tus.patch(path, 5000, content[5000:]), 415, "unsupported_format")

    assert tus.head(path).status_code == 415
    assert owner.usage["reservedBytes"] == 0


def test_another_checksum_than_declared_is_a_problem(tus):
    said = {"sha256": hashlib.sha256(b"other").hexdigest(), "finalize": "true"}

    refused(tus.create(len(PHOTO), PHOTO, said=said), 422, "checksum_mismatch")


def test_an_incomplete_upload_is_no_image(tus, ann):
    path = tus.created(len(PHOTO))
    tus.patch(path, 0, PHOTO[:1000])
    ticket = {"uploadId": path.rpartition("/")[2]}

    problem = refused(ann.finalize(ticket), 409, "upload_incomplete")

    assert (problem["receivedBytes"], problem["size"]) == (1000, len(PHOTO))
    shown = expect(ann.http.get(f"/v1/uploads/{ticket['uploadId']}"), 200)
    assert (shown["status"], shown["receivedBytes"], shown["parts"]) == ("initiated", 1000, [])
    assert "presignedUrl" not in shown, "its bytes go on by tus"
    tus.patch(path, 1000, PHOTO[1000:])
    expect(ann.finalize(ticket), 201)


def test_another_token_of_the_same_account_goes_on(tus, ann, service):
    path = tus.created(len(PHOTO), finalize="true")
    tus.patch(path, 0, PHOTO[:1000])

    login = {"email": ann.email, "password": PASSWORD}
    fresh = expect(service.client().post("/v1/auth/login", json=login), 200)["accessToken"]
    tus.http = service.client(fresh)

    assert tus.offset(path) == 1000
    assert "Darkroom-Image-Id" in tus.patch(path, 1000, PHOTO[1000:]).headers
    tus.http = ann.http


def test_what_does_not_fit_the_quota_is_refused_with_the_figures(service):
    owner = Person(service, "full")
    tus = Tus(owner)
    quota = owner.usage["quotaBytes"]
    limit = int(tus.http.options("/v1/tus").headers["Tus-Max-Size"])
    for _ in range(quota // limit):
        tus.created(limit)

    problem = refused(tus.create(limit), 413, "quota_exceeded")

    assert problem["requestedBytes"] == limit
    assert problem["usedBytes"] + limit > problem["limitBytes"]
