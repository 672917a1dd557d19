"""The extensions of tus 1.0.0 that are offered, MUST by MUST."""

import base64
import hashlib
import os
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from tests.people import Person, expect, refused, sample
from tests.tus import BYTES, PATH, VERSION, Tus, metadata

CONTENT = os.urandom(200_000)


@pytest.fixture(scope="module")
def tus(ann: Person) -> Tus:
    return Tus(ann)


def digest(algorithm: str, content: bytes) -> str:
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, content).digest()).decode()}"


# Creation


def test_creation_answers_201_with_the_location(tus):
    answer = tus.create(10)

    assert answer.status_code == 201
    assert answer.content == b""
    assert tus.offset(answer.headers["Location"]) == 0


@pytest.mark.parametrize("length", ["", "-1", "1.5", "ten", "9" * 40])
def test_a_length_is_a_non_negative_integer(tus, length):
    refused(tus.create(length), 400, "malformed")


def test_without_a_length_nothing_is_created(tus):
    for deferring in ({}, {"Upload-Defer-Length": "1"}):
        refused(tus.http.post(PATH, headers=VERSION | deferring), 400, "malformed")


def test_no_image_is_empty(tus):
    assert refused(tus.create(0), 422, "validation")["errors"][0]["field"] == "Upload-Length"


def test_more_than_the_maximum_is_413(tus):
    limit = int(tus.http.options(PATH).headers["Tus-Max-Size"])

    problem = refused(tus.create(limit + 1), 413, "file_too_large")

    assert (problem["limitBytes"], problem["requestedBytes"]) == (limit, limit + 1)


def test_head_gives_the_metadata_back_as_it_came(tus):
    said = f"{metadata(filename='ä.jpg', title='Lake')},relativePath bnVsbA==,flag"

    path = tus.create(10, **{"Upload-Metadata": said}).headers["Location"]

    assert tus.head(path).headers["Upload-Metadata"] == said
    assert "Upload-Metadata" not in tus.head(tus.create(10).headers["Location"]).headers


@pytest.mark.parametrize(
    "said",
    [
        "title YQ==,title Yg==",
        ",",
        "title YQ==,",
        "title YQ== YQ==",
        "title not-base64!",
        "title /w==",
    ],
)
def test_keys_are_unique_and_values_base64(tus, said):
    problem = refused(tus.create(10, **{"Upload-Metadata": said}), 422, "validation")

    assert problem["errors"][0]["field"] == "Upload-Metadata"


def test_metadata_is_held_to_the_same_limits_as_json(tus):
    said = {"title": "x" * 301, "visibility": "secret", "custom": '{"a": 1}', "tags": "y" * 65}

    problem = refused(tus.create(10, said=said), 422, "validation")

    assert {error["field"] for error in problem["errors"]} == set(said)


def test_concatenation_is_not_offered(tus):
    refused(tus.create(10, **{"Upload-Concat": "partial"}), 400, "malformed")


# Creation with upload


@pytest.mark.parametrize("size", [1, 1000, len(CONTENT)])
def test_bytes_that_come_with_the_creation_count(tus, size):
    answer = tus.create(len(CONTENT), CONTENT[:size])

    assert answer.status_code == 201
    assert answer.headers["Upload-Offset"] == str(size)
    path = answer.headers["Location"]
    assert tus.offset(path) == size
    assert tus.patch(path, size, CONTENT[size:]).headers["Upload-Offset"] == str(len(CONTENT))


def test_bytes_of_another_content_type_do_not_count(tus):
    headers = VERSION | {"Upload-Length": "10", "Content-Type": "application/octet-stream"}

    answer = tus.http.post(PATH, content=b"12345", headers=headers)

    assert tus.offset(answer.headers["Location"]) == 0


def test_a_creation_whose_bytes_are_refused_reserves_nothing(service):
    owner = Person(service, "tidy")
    tus = Tus(owner)

    wrong = tus.create(10, b"12345", **{"Upload-Checksum": digest("sha1", b"other")})
    refused(tus.create(4, b"12345"), 413, "file_too_large")

    refused(wrong, 460, "chunk_mismatch")
    assert owner.usage["reservedBytes"] == 0


# Expiration


def test_every_answer_says_when_the_upload_expires(tus):
    created = tus.create(10)
    path = created.headers["Location"]
    answers = [created, tus.head(path), tus.patch(path, 0, b"12345")]

    for answer in answers:
        text = answer.headers["Upload-Expires"]
        assert text.endswith(" GMT")
        left = parsedate_to_datetime(text) - datetime.now(UTC)
        assert timedelta(hours=23, minutes=55) < left < timedelta(hours=24, minutes=1)


# Checksum


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_chunk_with_its_checksum_is_accepted(tus, algorithm):
    path = tus.created(len(CONTENT))

    for offset in (0, 150_000):
        chunk = CONTENT[offset : offset + 150_000]
        answer = tus.patch(path, offset, chunk, **{"Upload-Checksum": digest(algorithm, chunk)})
        assert answer.status_code == 204

    assert tus.offset(path) == len(CONTENT)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_chunk_with_another_checksum_is_460_and_discarded(tus, algorithm):
    path = tus.created(len(CONTENT))
    tus.patch(path, 0, CONTENT[:1000])

    answer = tus.patch(
        path, 1000, CONTENT[1000:], **{"Upload-Checksum": digest(algorithm, CONTENT)}
    )

    refused(answer, 460, "chunk_mismatch")
    assert tus.offset(path) == 1000
    assert tus.patch(path, 1000, CONTENT[1000:]).status_code == 204


def test_a_large_chunk_with_another_checksum_leaves_no_trace(tus):
    """Larger than a part: bytes that were stored on the way do not count either."""
    content = os.urandom(17 * 1024 * 1024)
    path = tus.created(len(content))

    answer = tus.patch(path, 0, content, **{"Upload-Checksum": digest("sha1", b"other")})

    refused(answer, 460, "chunk_mismatch")
    assert tus.offset(path) == 0
    right = tus.patch(path, 0, content, **{"Upload-Checksum": digest("sha1", content)})
    assert right.headers["Upload-Offset"] == str(len(content))


@pytest.mark.parametrize("said", ["md5 YQ==", "SHA1 YQ==", "sha1 !", ""])
def test_a_checksum_that_cannot_be_verified_is_400(tus, said):
    path = tus.created(10)

    answer = tus.patch(path, 0, b"12345", **{"Upload-Checksum": said})

    refused(answer, 400, "malformed")
    assert tus.offset(path) == 0


# Termination


def test_termination_answers_204_and_the_upload_is_gone(tus):
    path = tus.created(len(CONTENT))
    tus.patch(path, 0, CONTENT[:1000])

    assert tus.delete(path).status_code == 204

    assert tus.head(path).status_code == 410
    assert "Upload-Offset" not in tus.head(path).headers
    late = tus.patch(path, 1000, CONTENT[1000:])
    refused(late, 410, "upload_gone")
    assert late.headers["Connection"] == "close", "its bytes were not read"
    refused(tus.delete(path), 410, "upload_gone")


def test_termination_gives_back_quota_and_bytes(service):
    owner = Person(service, "ending")
    tus = Tus(owner)
    path = tus.created(9_000_000)
    tus.patch(path, 0, os.urandom(8_500_000))
    assert owner.usage["reservedBytes"] == 9_000_000

    tus.delete(path)

    assert owner.usage["reservedBytes"] == 0
    shown = expect(owner.http.get(f"/v1/uploads/{path.rpartition('/')[2]}"), 200)
    assert (shown["status"], shown["receivedBytes"]) == ("aborted", 0)


def test_of_an_image_nothing_can_be_terminated(tus, ann):
    content = sample("valid/sharp__2x2_fdcce6.png")
    path = tus.created(len(content))
    tus.patch(path, 0, content)
    expect(ann.finalize({"uploadId": path.rpartition("/")[2]}), 201)

    refused(tus.delete(path), 409, "conflict")


def test_bytes_of_the_body_are_of_the_right_type(tus):
    path = tus.created(5)

    assert tus.patch(path, 0, b"12345", **{"Content-Type": f"{BYTES}; x=y"}).status_code == 204
