"""Many at once: in order, each for itself."""

import pytest

from tests.people import expect, put, refused


def promise(content, **changed):
    return {"filename": "a.png", "size": len(content), "contentType": "image/png"} | changed


def test_uploads_are_promised_in_order(ann, dot):
    asked = [promise(dot), {"filename": "b"}, promise(dot, size=64 * 1024**2 + 1), 7, promise(dot)]

    answer = ann.http.post("/v1/uploads/batch", json={"uploads": asked})

    results = expect(answer, 200)["results"]
    assert [result["status"] for result in results] == [201, 422, 413, 422, 201]
    codes = [result["error"]["code"] for result in results if "error" in result]
    assert codes == ["validation", "file_too_large", "validation"]
    assert {error["field"] for error in results[1]["error"]["errors"]} == {"size", "contentType"}
    assert int(answer.headers["darkroom-position"]) > 0
    for result in (results[0], results[4]):
        ticket = result["upload"]
        assert put(ticket["presignedUrl"], dot, ticket["headers"]).status_code == 200
        expect(ann.finalize(ticket), 201)


def test_images_are_made_in_order(ann, ben, dot):
    whole, empty, broken, strangers = (ann.initiate(dot) for _ in range(4))
    strangers = ben.initiate(dot)
    text = ann.initiate(b"no picture")
    ann.put(whole, dot)
    ann.put(text, b"no picture")
    ben.put(strangers, dot)
    expect_deleted = ann.http.delete(f"/v1/uploads/{broken['uploadId']}")
    assert expect_deleted.status_code == 204
    asked = [
        {"uploadId": whole["uploadId"], "title": "whole", "visibility": "public"},
        {"uploadId": empty["uploadId"]},
        {"uploadId": broken["uploadId"]},
        {"uploadId": strangers["uploadId"]},
        {"uploadId": text["uploadId"]},
        {"uploadId": "upl_x"},
        {"title": "none"},
        "text",
        {"uploadId": whole["uploadId"]},
    ]

    results = expect(ann.http.post("/v1/images/batch", json={"images": asked}), 200)["results"]

    outcomes = [(r["status"], r.get("error", {}).get("code")) for r in results]
    assert outcomes == [
        (201, None),
        (409, "upload_incomplete"),
        (409, "upload_closed"),
        (404, "not_found"),
        (415, "unsupported_format"),
        (404, "not_found"),
        (422, "validation"),
        (422, "validation"),
        (200, None),
    ]
    assert results[0]["image"]["title"] == "whole"
    assert results[8]["image"]["imageId"] == results[0]["image"]["imageId"]
    again = expect(ann.http.post("/v1/images/batch", json={"images": asked}), 200)["results"]
    assert [result["status"] for result in again] == [200, 409, 409, 404, 415, 404, 422, 422, 200]


@pytest.mark.parametrize(
    ("path", "name"), [("/v1/uploads/batch", "uploads"), ("/v1/images/batch", "images")]
)
def test_101_are_too_many_and_none_is_nothing(ann, anyone, path, name):
    problem = refused(ann.http.post(path, json={name: [{}] * 101}), 413, "batch_too_large")
    assert (problem["limit"], problem["requested"]) == (100, 101)

    answer = ann.http.post(path, json={name: []})
    assert expect(answer, 200) == {"results": []}
    assert int(answer.headers["darkroom-position"]) >= 0
    refused(anyone.post(path, json={name: []}), 401, "unauthenticated")
