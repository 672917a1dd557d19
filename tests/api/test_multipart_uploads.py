"""Large files by presigned parts: sent in any order, resumed, taken together."""

import os
import time

import httpx
import pytest

from tests.people import Person, expect, refused, sample

MB = 1024 * 1024
PHOTO = sample("valid/Pillow__rgb.jpg")
CONTENT = PHOTO + os.urandom(20 * MB - len(PHOTO))


def put(multipart: dict, *numbers: int, content: bytes = CONTENT) -> None:
    size = multipart["partSize"]
    for part in multipart["parts"]:
        if (number := part["partNumber"]) in numbers:
            chunk = content[(number - 1) * size : number * size]
            answer = httpx.put(
                part["presignedUrl"], content=chunk, headers=part["headers"], timeout=60
            )
            assert answer.status_code == 200, answer.text


def shown(owner: Person, ticket: dict) -> dict:
    return expect(owner.http.get(f"/v1/uploads/{ticket['uploadId']}"), 200)


def test_below_16_mib_there_is_one_piece(ann):
    assert ann.initiate(bytes(16 * MB - 1))["multipart"] is None
    assert len(ann.initiate(bytes(16 * MB))["multipart"]["parts"]) == 2


def test_from_there_on_parts_cover_the_file(ann):
    multipart = ann.initiate(CONTENT)["multipart"]

    assert multipart["partSize"] == 8 * MB
    assert [part["partNumber"] for part in multipart["parts"]] == [1, 2, 3]
    lengths = [int(part["headers"]["Content-Length"]) for part in multipart["parts"]]
    assert lengths == [8 * MB, 8 * MB, 4 * MB]


def test_parts_in_any_order_make_the_image(ann):
    ticket = ann.initiate(CONTENT)
    put(ticket["multipart"], 3)
    put(ticket["multipart"], 1, 2)
    put(ticket["multipart"], 2)

    assert shown(ann, ticket)["status"] == "complete"
    image = expect(ann.finalize(ticket), 201)

    assert ann.http.get(image["url"]).content == CONTENT
    assert shown(ann, ticket)["status"] == "finalized"
    assert expect(ann.finalize(ticket), 200)["imageId"] == image["imageId"]


def test_a_large_file_may_still_come_in_one_piece(ann):
    ticket = ann.initiate(CONTENT)
    put(ticket["multipart"], 2)
    assert ann.put(ticket, CONTENT).status_code == 200

    assert shown(ann, ticket)["receivedBytes"] == len(CONTENT)
    image = expect(ann.finalize(ticket), 201)

    assert ann.http.get(image["url"]).content == CONTENT


def test_what_is_missing_is_told_with_the_figures_and_the_rest_is_kept(ann):
    ticket = ann.initiate(CONTENT)
    put(ticket["multipart"], 1, 3)

    problem = refused(ann.finalize(ticket), 409, "upload_incomplete")

    assert (problem["receivedBytes"], problem["size"]) == (12 * MB, 20 * MB)
    put(ticket["multipart"], 2)
    expect(ann.finalize(ticket), 201)


def test_it_goes_on_with_fresh_urls_for_what_is_missing(ann):
    ticket = ann.initiate(CONTENT)
    put(ticket["multipart"], 2)
    time.sleep(1.1)  # URLs are dated to the second

    found = shown(ann, ticket)

    (part,) = found["parts"]
    assert (part["partNumber"], part["size"], part["received"]) == (2, 8 * MB, True)
    assert part["etag"]
    assert (found["status"], found["receivedBytes"]) == ("initiated", 8 * MB)
    fresh = found["multipart"]
    assert [part["partNumber"] for part in fresh["parts"]] == [1, 3]
    assert fresh["parts"][0]["presignedUrl"] != ticket["multipart"]["parts"][0]["presignedUrl"]
    put(fresh, 1, 3)
    assert shown(ann, ticket)["multipart"] is None
    expect(ann.finalize(ticket), 201)


def test_other_bytes_than_declared_are_refused_when_taken_together(ann):
    ticket = ann.initiate(CONTENT)
    put(ticket["multipart"], 1, 2)
    put(ticket["multipart"], 3, content=CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]))

    refused(ann.finalize(ticket), 422, "checksum_mismatch")

    assert shown(ann, ticket)["status"] == "aborted"


def test_a_part_url_takes_its_part_only(ann):
    first, second, last = ann.initiate(CONTENT)["multipart"]["parts"]
    unsigned = second["presignedUrl"].partition("?")[0]

    for url, content in (
        (first["presignedUrl"], CONTENT[: 8 * MB - 1]),
        (last["presignedUrl"], CONTENT[: 8 * MB]),
        (unsigned, CONTENT[:100]),
    ):
        assert httpx.put(url, content=content, timeout=60).status_code == 403


def test_an_abort_takes_the_parts_along(service):
    owner = Person(service, "quits")
    ticket = owner.initiate(CONTENT)
    put(ticket["multipart"], 1)

    assert owner.http.delete(f"/v1/uploads/{ticket['uploadId']}").status_code == 204

    part = ticket["multipart"]["parts"][1]
    late = httpx.put(part["presignedUrl"], content=CONTENT[8 * MB : 16 * MB], timeout=60)
    assert late.status_code == 404
    assert shown(owner, ticket)["status"] == "aborted"
    assert owner.usage["reservedBytes"] == 0
    refused(owner.finalize(ticket), 409, "upload_closed")


def test_a_batch_may_hold_large_files(ann):
    small = {"filename": "a.jpg", "size": 10, "contentType": "image/jpeg"}
    large = small | {"size": 17 * MB}

    answer = expect(ann.http.post("/v1/uploads/batch", json={"uploads": [small, large]}), 200)

    first, second = (result["upload"]["multipart"] for result in answer["results"])
    assert first is None
    assert len(second["parts"]) == 3


@pytest.mark.parametrize("size", [len(PHOTO), len(CONTENT)])
def test_an_upload_lives_longer_than_its_urls(ann, size):
    ticket = ann.initiate(CONTENT[:size])

    assert ticket["expiresIn"] == 900
    left = shown(ann, ticket)["expiresAt"]
    assert left > time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 23 * 3600))


def test_a_small_upload_shows_what_has_come_and_where_to_send_it(ann):
    ticket = ann.initiate(PHOTO)

    found = shown(ann, ticket)
    assert (found["status"], found["receivedBytes"], found["parts"]) == ("initiated", 0, [])
    assert refused(ann.finalize(ticket), 409, "upload_incomplete")["receivedBytes"] == 0
    assert ann.put(found, PHOTO).status_code == 200

    found = shown(ann, ticket)
    assert (found["status"], found["receivedBytes"]) == ("complete", len(PHOTO))
    assert "presignedUrl" not in found
    assert found["imageId"] is None
    image = expect(ann.finalize(ticket), 201)
    assert shown(ann, ticket)["imageId"] == image["imageId"]


def test_another_account_sees_no_upload(ann, ben):
    ticket = ann.initiate(CONTENT)

    refused(ben.http.get(f"/v1/uploads/{ticket['uploadId']}"), 404, "not_found")
    refused(ben.http.delete(f"/v1/uploads/{ticket['uploadId']}"), 404, "not_found")
