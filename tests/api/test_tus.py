"""The core of tus 1.0.0, MUST by MUST."""

import os
import socket
import time

import httpx
import pytest

from tests.people import Person, refused, sample
from tests.tus import BYTES, PATH, VERSION, Tus

NOWHERE = f"{PATH}/upl_{'0' * 26}"
CONTENT = os.urandom(300_000)


@pytest.fixture(scope="module")
def tus(ann: Person) -> Tus:
    return Tus(ann)


def test_every_answer_names_the_version(tus, service):
    path = tus.created(10)
    answers = [
        tus.create(10),
        tus.create("x"),
        tus.head(path),
        tus.head(NOWHERE),
        tus.patch(path, 0, b"12345"),
        tus.patch(path, 9, b"12345"),
        tus.delete(path),
        tus.http.put(path, content=b"no such method"),
        service.client().post(PATH, headers=VERSION),
    ]

    assert [answer.status_code for answer in answers] == [
        *(201, 400, 200, 404, 204, 409, 204, 405, 401)
    ]
    assert {answer.headers["Tus-Resumable"] for answer in answers} == {"1.0.0"}


@pytest.mark.parametrize("version", [None, "0.2.2", "1.0", "2.0.0"])
def test_another_version_is_412_with_ours_and_nothing_is_done(tus, version):
    path = tus.created(10)
    headers = {"Tus-Resumable": version} if version else {}
    writing = headers | {"Content-Type": BYTES, "Upload-Offset": "0"}

    for answer in (
        tus.http.patch(path, content=b"12345", headers=writing),
        tus.http.post(PATH, headers=headers | {"Upload-Length": "10"}),
        tus.http.delete(path, headers=headers),
    ):
        refused(answer, 412, "unsupported_tus_version")
        assert answer.headers["Tus-Version"] == "1.0.0"
        assert "Location" not in answer.headers
    assert tus.http.head(path, headers=headers).status_code == 412

    assert tus.offset(path) == 0


def test_options_says_what_we_speak_whatever_the_request_says(service):
    for path in (PATH, NOWHERE):
        for headers in ({}, {"Tus-Resumable": "0.0.1"}, {"Origin": "https://example.org"}):
            answer = service.client().options(path, headers=headers)

            assert answer.status_code == 204
            assert answer.headers["Tus-Version"] == "1.0.0"
            assert answer.headers["Tus-Extension"].split(",") == [
                *("creation", "creation-with-upload", "expiration", "checksum", "termination")
            ]
            assert int(answer.headers["Tus-Max-Size"]) == 64 * 1024 * 1024
            assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256"


def test_scripts_of_other_origins_may_send_and_see_what_tus_needs(service, ann):
    sent = "tus-resumable,upload-length,upload-metadata,upload-offset,upload-checksum,authorization"
    allowed = service.client().options(
        PATH,
        headers={
            "Origin": "https://example.org",
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": sent,
        },
    )
    seen = ann.http.post(
        PATH, headers=VERSION | {"Origin": "https://example.org", "Upload-Length": "5"}
    )

    for header in sent.split(","):
        assert header in allowed.headers["Access-Control-Allow-Headers"].lower()
    for method in ("POST", "HEAD", "PATCH", "DELETE"):
        assert method in allowed.headers["Access-Control-Allow-Methods"]
    exposed = seen.headers["Access-Control-Expose-Headers"].lower()
    for header in ("location", "upload-offset", "upload-expires", "darkroom-image-id"):
        assert header in exposed


def test_head_always_gives_the_offset_and_the_length_and_is_not_cached(tus):
    path = tus.created(8)

    for offset, chunk in enumerate([b"01234567"[n : n + 1] for n in range(8)]):
        answer = tus.head(path)
        assert answer.status_code == 200
        assert answer.headers["Upload-Offset"] == str(offset)
        assert answer.headers["Upload-Length"] == "8"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.content == b""
        assert tus.patch(path, offset, chunk).headers["Upload-Offset"] == str(offset + 1)
    assert tus.offset(path) == 8, "complete, and still there"


@pytest.mark.parametrize("id", ["upl_" + "0" * 26, "upl_x", "nothing", "img_" + "0" * 26])
def test_what_is_not_there_is_404_without_an_offset(tus, id):
    for answer in (
        tus.head(f"{PATH}/{id}"),
        tus.patch(f"{PATH}/{id}", 0, b"x"),
        tus.delete(f"{PATH}/{id}"),
    ):
        assert answer.status_code == 404
        assert "Upload-Offset" not in answer.headers


def test_another_account_sees_nothing(tus, ben):
    path, other = tus.created(10), Tus(ben)

    assert other.head(path).status_code == 404
    refused(other.patch(path, 0, b"12345"), 404, "not_found")
    refused(other.delete(path), 404, "not_found")
    assert tus.offset(path) == 0


def test_without_credentials_nothing_happens(tus, service):
    path, nobody = tus.created(10), service.client()
    writing = VERSION | {"Content-Type": BYTES, "Upload-Offset": "0"}

    refused(nobody.patch(path, content=b"12345", headers=writing), 401, "unauthenticated")
    refused(nobody.delete(path, headers=VERSION), 401, "unauthenticated")
    assert nobody.head(path, headers=VERSION).status_code == 401
    assert tus.offset(path) == 0


def test_patch_appends_and_answers_204_with_the_new_offset(tus):
    path = tus.created(len(CONTENT))

    first = tus.patch(path, 0, CONTENT[:1000])
    second = tus.patch(path, 1000, CONTENT[1000:])

    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "1000")
    assert (second.status_code, second.headers["Upload-Offset"]) == (204, str(len(CONTENT)))


def test_patch_takes_a_body_of_unknown_length(tus):
    path = tus.created(len(CONTENT))

    answer = tus.patch(path, 0, iter([CONTENT[:10], CONTENT[10:20_000]]))

    assert answer.headers["Upload-Offset"] == "20000"


def test_patch_with_nothing_changes_nothing(tus):
    path = tus.created(10)
    tus.patch(path, 0, b"12345")

    answer = tus.patch(path, 5, b"")

    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "5")


@pytest.mark.parametrize("kind", ["", "application/octet-stream", "image/jpeg", "text/plain"])
def test_patch_of_another_content_type_is_415(tus, kind):
    path = tus.created(10)

    answer = tus.patch(path, 0, b"12345", **{"Content-Type": kind})

    refused(answer, 415, "unsupported_media_type")
    assert tus.offset(path) == 0


@pytest.mark.parametrize("offset", [0, 4, 6, 10, 10**9])
def test_patch_at_another_offset_is_409_and_changes_nothing(tus, offset):
    path = tus.created(10)
    tus.patch(path, 0, b"12345")

    problem = refused(tus.patch(path, offset, b"abcde"), 409, "offset_mismatch")

    assert problem["offset"] == 5
    assert tus.offset(path) == 5


@pytest.mark.parametrize("offset", ["", "-1", "1.0", "0x1", "five", "1 2", "٣", "9" * 30])
def test_an_offset_is_a_non_negative_integer(tus, offset):
    path = tus.created(10)

    refused(tus.patch(path, offset.encode(), b"12345"), 400, "malformed")

    assert tus.offset(path) == 0


def test_patch_without_an_offset_is_400(tus):
    path = tus.created(10)

    answer = tus.http.patch(path, content=b"1", headers=VERSION | {"Content-Type": BYTES})

    refused(answer, 400, "malformed")


@pytest.mark.parametrize("chunked", [False, True])
def test_more_bytes_than_promised_are_413_and_none_is_kept(tus, chunked):
    path = tus.created(10)
    tus.patch(path, 0, b"12345")

    problem = refused(
        tus.patch(path, 5, iter([b"abc", b"def"]) if chunked else b"abcdef"), 413, "file_too_large"
    )

    assert (problem["limitBytes"], problem["requestedBytes"]) == (10, 11)
    assert tus.offset(path) == 5


def test_the_method_that_overrides_is_the_method(tus):
    path = tus.created(10)

    def overridden(method: str, **headers: str) -> httpx.Response:
        return tus.http.post(
            path, content=b"12345", headers=VERSION | {"X-HTTP-Method-Override": method} | headers
        )

    patched = overridden("PATCH", **{"Content-Type": BYTES, "Upload-Offset": "0"})
    assert (patched.status_code, patched.headers["Upload-Offset"]) == (204, "5")
    assert overridden("HEAD").headers["Upload-Offset"] == "5"
    assert overridden("DELETE").status_code == 204
    assert tus.head(path).status_code == 410


@pytest.mark.parametrize("abruptly", [False, True])
def test_what_came_before_a_broken_connection_is_kept(tus, service, ann, abruptly):
    path = tus.created(len(CONTENT))
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        head = f"PATCH {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(CONTENT)}\r\n" + "".join(
            f"{name}: {value}\r\n"
            for name, value in {
                **VERSION,
                "Upload-Offset": "0",
                "Content-Type": BYTES,
                "Authorization": ann.http.headers["Authorization"],
            }.items()
        )
        connection.sendall(head.encode() + b"\r\n" + CONTENT[:100_000])
        if abruptly:
            time.sleep(0.5)  # a reset throws away what was not read yet
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    deadline = time.monotonic() + 5
    while tus.offset(path) == 0 and time.monotonic() < deadline:
        time.sleep(0.05)

    assert tus.offset(path) == 100_000
    assert tus.patch(path, 100_000, CONTENT[100_000:]).status_code == 204


def test_any_upload_goes_on_from_byte_to_byte_to_an_image(tus, ann):
    """In chunks of every kind of size; what comes out is what went in."""
    content = sample("valid/Pillow__rgb.jpg") + os.urandom(13 * 1024 * 1024)
    path, offset = tus.created(len(content)), 0

    for size in (1, 5, 100, 70_000, 1_000_000, 4_200_000, 3, 6_000_000, 10**9):
        answer = tus.patch(path, offset, content[offset : offset + size])
        assert answer.status_code == 204
        offset = int(answer.headers["Upload-Offset"])
    image = ann.finalize({"uploadId": path.rpartition("/")[2]})

    assert image.status_code == 201
    assert ann.http.get(image.json()["url"]).content == content
