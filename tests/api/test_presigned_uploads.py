"""Promise, PUT, finalize: exactly those bytes, once, by who promised them."""

import hashlib

import pytest

from tests.people import expect, put, refused

WRONG = {
    "a byte more": {"content": lambda body: body + b"x"},
    "a byte less": {"content": lambda body: body[:-1]},
    "other bytes": {"content": lambda body: bytes(len(body))},
    "another type": {"headers": {"Content-Type": "image/png"}},
    "an overwrite": {"headers": {"If-None-Match": ""}},
    "another checksum": {"headers": {"x-amz-checksum-sha256": "A" * 43 + "="}},
}


def sent(ticket, content, **changed):
    length = {"Content-Length": str(len(content))}
    return put(ticket["presignedUrl"], content, ticket["headers"] | length | changed)


def shown(person, ticket):
    return expect(person.http.get(f"/v1/uploads/{ticket['uploadId']}"), 200)


def test_a_promise_becomes_an_image(ann, dot):
    promise = {"filename": "a.png", "size": len(dot), "contentType": "image/png"}

    answer = ann.http.post("/v1/uploads", json=promise)
    ticket = expect(answer, 201)
    assert answer.headers["location"] == f"/v1/uploads/{ticket['uploadId']}"
    assert int(answer.headers["darkroom-position"]) > 0
    assert (ticket["method"], ticket["multipart"]) == ("PUT", None)
    assert ticket["expiresIn"] == 900
    assert ticket["uploadId"].startswith("upl_")
    state = shown(ann, ticket)
    assert (state["status"], state["receivedBytes"], state["imageId"]) == ("initiated", 0, None)

    assert sent(ticket, dot).status_code == 200
    state = shown(ann, ticket)
    assert (state["status"], state["receivedBytes"]) == ("complete", len(dot))

    answer = ann.finalize(ticket, title="Dot", tags=["small"], custom={"k": "v"})
    image = expect(answer, 201)
    assert answer.headers["location"] == f"/v1/images/{image['imageId']}"
    assert (image["title"], image["tags"], image["custom"]) == ("Dot", ["small"], {"k": "v"})
    assert image["checksum"] == f"sha256:{hashlib.sha256(dot).hexdigest()}"
    assert (image["width"], image["height"], image["size"]) == (2, 2, len(dot))
    assert image["visibility"] == "private"
    state = shown(ann, ticket)
    assert (state["status"], state["imageId"]) == ("finalized", image["imageId"])
    assert ann.http.get(image["url"]).content == dot


@pytest.mark.parametrize("wrong", WRONG)
def test_the_url_takes_nothing_but_what_was_promised(ann, dot, wrong):
    ticket = ann.initiate(dot)
    content = WRONG[wrong].get("content", lambda body: body)(dot)

    assert 400 <= sent(ticket, content, **WRONG[wrong].get("headers", {})).status_code < 500

    refused(ann.finalize(ticket), 409, "upload_incomplete")
    assert sent(ticket, dot).status_code == 200, "the failure spoiled nothing"
    expect(ann.finalize(ticket), 201)


def test_the_url_takes_it_once(ann, dot):
    ticket = ann.initiate(dot)
    assert sent(ticket, dot).status_code == 200

    assert sent(ticket, dot).status_code == 412


def test_the_url_serves_nothing_and_deletes_nothing(ann, dot):
    ticket = ann.initiate(dot)
    assert sent(ticket, dot).status_code == 200

    for method in ("GET", "HEAD", "DELETE"):
        assert ann.service.client().request(method, ticket["presignedUrl"]).status_code == 403
    assert shown(ann, ticket)["status"] == "complete"


def test_finalizing_twice_gives_the_same_image_as_it_was(ann, dot):
    ticket = ann.initiate(dot)
    sent(ticket, dot)
    first = ann.finalize(ticket, title="first")
    image = expect(first, 201)

    again = expect(ann.finalize(ticket, title="second"), 200)

    assert (again["imageId"], again["title"]) == (image["imageId"], "first")
    expect(ann.http.delete(f"/v1/images/{image['imageId']}"), 200)
    refused(ann.finalize(ticket), 404, "not_found")


def test_what_was_declared_must_come_even_where_the_store_did_not_check(ann, dot):
    other = hashlib.sha256(b"other").hexdigest()
    promise = {"filename": "a", "size": len(dot), "contentType": "image/png", "sha256": other}
    ticket = expect(ann.http.post("/v1/uploads", json=promise), 201)

    assert sent(ticket, dot).status_code == 400


def test_bytes_that_are_no_picture_are_refused_for_good_and_released(ann):
    content = b"no picture at all"
    before = ann.usage["reservedBytes"]
    ticket = ann.initiate(content)
    sent(ticket, content)

    for _ in range(2):
        refused(ann.finalize(ticket), 415, "unsupported_format")

    assert ann.usage["reservedBytes"] == before


def test_an_upload_is_its_owners_alone(ann, ben, anyone, dot):
    ticket = ann.initiate(dot)
    sent(ticket, dot)
    path = f"/v1/uploads/{ticket['uploadId']}"

    for answer in (ben.finalize(ticket), ben.http.get(path), ben.http.delete(path)):
        refused(answer, 404, "not_found")
    refused(anyone.get(path), 401, "unauthenticated")
    refused(anyone.delete(path), 401, "unauthenticated")
    assert shown(ann, ticket)["status"] == "complete"
    for http in (ann.http, ben.http, anyone):
        image = ticket["uploadId"].replace("upl_", "img_")
        refused(http.get(f"/v1/images/{image}"), 404, "not_found")
        refused(http.get(f"/images/{image}"), 404, "not_found")


def test_an_aborted_upload_is_over(ann, dot):
    before = ann.taken
    ticket = ann.initiate(dot)
    path = f"/v1/uploads/{ticket['uploadId']}"
    assert ann.taken["reservedBytes"] == before["reservedBytes"] + len(dot)

    for _ in range(2):
        answer = ann.http.delete(path)
        assert (answer.status_code, answer.content) == (204, b"")
        assert int(answer.headers["darkroom-position"]) > 0

    assert shown(ann, ticket)["status"] == "aborted"
    assert ann.taken == before
    refused(ann.finalize(ticket), 409, "upload_closed")


def test_a_finalized_upload_is_not_aborted(ann, public):
    upload = public["imageId"].replace("img_", "upl_")

    refused(ann.http.delete(f"/v1/uploads/{upload}"), 409, "conflict")
    assert ann.http.get(public["url"]).status_code == 200


def test_a_declared_size_beyond_the_cap_is_refused_with_the_figures(ann):
    limit = 64 * 1024**2
    promise = {"filename": "a.png", "size": limit + 1, "contentType": "image/png"}

    problem = refused(ann.http.post("/v1/uploads", json=promise), 413, "file_too_large")

    assert (problem["limitBytes"], problem["requestedBytes"]) == (limit, limit + 1)


@pytest.mark.parametrize("kind", ["png", "image/png\n", "ïmage/png", "image/png; charset=x", "/"])
def test_a_type_is_one_header_line(ann, kind):
    promise = {"filename": "a.png", "size": 1, "contentType": kind}

    problem = refused(ann.http.post("/v1/uploads", json=promise), 422, "validation")

    assert [error["field"] for error in problem["errors"]] == ["contentType"]


@pytest.mark.parametrize("id", ["", "x", "img_00000000000000000000000000"])
def test_what_is_no_upload_is_not_found(ann, id):
    refused(ann.http.post("/v1/images", json={"uploadId": id}), 404, "not_found")
