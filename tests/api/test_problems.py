"""Whatever is refused is refused in one form, and whatever is sent is no accident."""

import json

import pytest

from tests.people import refused

JSON = {"Content-Type": "application/json"}
MALFORMED = {
    "nothing": b"",
    "words": b"hello",
    "half of it": b'{"email": "a@b"',
    "two values": b'{"email": "a@b", "password": "x"} {}',
    "a comma too many": b'{"email": "a@b", "password": "x",}',
    "NaN": b'{"email": NaN, "password": "x"}',
    "an endless number": b'{"email": 1e999, "password": "x"}',
    "5,000 digits": b'{"email": ' + b"9" * 5000 + b"}",
    "bytes that are no UTF-8": b'{"email": "\xff", "password": "x"}',
    "UTF-16": '{"email": "a@b", "password": "x"}'.encode("utf-16"),
    "half a surrogate pair": b'{"email": "\\ud800", "password": "x"}',
    "the other half": b'{"email": "\\udc00", "password": "x"}',
    "two first halves": b'{"email": "\\ud800\\ud800", "password": "x"}',
    "a surrogate as a key": b'{"\\ud83d": 1}',
    "a control character": b'{"email": "\n", "password": "x"}',
    "100,000 brackets": b"[" * 100_000,
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("path", ["/v1/auth/login", "/v1/images", "/v1/uploads/batch"])
def test_a_body_that_is_not_json_is_400(ann, path, body):
    refused(ann.http.post(path, content=body, headers=JSON), 400, "malformed")


def test_no_depth_is_an_accident(ann):
    for depth in range(100, 1200, 100):
        deep = b'{"images": ' + b"[" * depth + b"]" * depth + b"}"
        assert ann.http.post("/v1/images/batch", content=deep).status_code in (200, 400, 422)


@pytest.mark.parametrize("body", [[], None, 3, "text", True, [{}]])
@pytest.mark.parametrize("path", ["/v1/auth/signup", "/v1/images", "/v1/images/batch"])
def test_json_that_is_no_object_is_422(ann, path, body):
    problem = refused(ann.http.post(path, content=json.dumps(body)), 422, "validation")

    assert problem["errors"] == [{"field": "", "message": "must be a JSON object"}]


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        ("/v1/auth/signup", {}, {"username", "email", "password"}),
        (
            "/v1/auth/signup",
            {"username": "x", "email": "nowhere", "password": "short", "plan": "gold"},
            {"username", "email", "password", "plan"},
        ),
        ("/v1/auth/login", {"email": 1, "password": None}, {"email", "password"}),
        ("/v1/auth/refresh", {"token": "x"}, {"token", "refreshToken"}),
        (
            "/v1/uploads",
            {"filename": "", "size": 0, "contentType": "png", "sha256": "AB", "to": 1},
            {"filename", "size", "contentType", "sha256", "to"},
        ),
        ("/v1/uploads", {"filename": "a", "size": 5.5, "contentType": "a/b"}, {"size"}),
        ("/v1/uploads", {"filename": "a", "size": 2**60, "contentType": "a/b"}, {"size"}),
        ("/v1/uploads/batch", {"upload": []}, {"uploads", "upload"}),
        (
            "/v1/images",
            {"title": "t" * 301, "tags": [""], "visibility": "secret", "custom": {"": "x"}},
            {"uploadId", "title", "tags", "visibility", "custom"},
        ),
        ("/v1/images/batch", {"images": {}}, {"images"}),
    ],
)
def test_every_bad_field_is_named_at_once(ann, path, body, wrong):
    problem = refused(ann.http.post(path, json=body), 422, "validation")

    assert {error["field"] for error in problem["errors"]} == wrong
    assert all(error["message"] for error in problem["errors"])


@pytest.mark.parametrize(
    ("call", "body", "wrong"),
    [
        ("PATCH", {"title": 5, "tags": ["x" * 65], "custom": {"k": 1}, "owner": "me"}, None),
        ("POST /share", {"expiresIn": 0, "permissions": ["own"], "sharedWith": 1}, None),
        ("POST /share", {"expiresIn": 31_536_001, "permissions": []}, None),
        ("POST /share", {"sharedWith": "nobody@example.org"}, None),
        ("POST /share", {"sharedWith": "u_00000000000000000000000000"}, None),
        ("POST /share", {"sharedWith": "somebody"}, None),
        ("POST /signed-url", {"variant": 1, "expiresIn": "1", "download": 1}, None),
        ("POST /signed-url", {"variant": "huge"}, None),
        ("POST /signed-url", {"variant": "small.exe"}, None),
        ("POST /signed-url", {"variant": "../../v1/me"}, None),
        ("PATCH", {"title": "a\u0000b", "tags": ["\u001b"], "custom": {"k": "\u007f"}}, 3),
    ],
)
def test_and_so_it_is_on_an_image(ann, private, call, body, wrong):
    method, _, suffix = call.partition(" ")
    path = f"/v1/images/{private['imageId']}{suffix}"

    problem = refused(ann.http.request(method, path, json=body), 422, "validation")

    assert len(problem["errors"]) == (wrong or len(body))


@pytest.mark.parametrize("path", ["/", "/nope", "/v1", "/v1/nope", "/v2/images", "/v1/images/x/y"])
def test_an_unknown_route_is_404(anyone, path):
    refused(anyone.get(path), 404, "not_found")


def test_a_body_beyond_its_bound_is_413(ann):
    for path in ("/v1/auth/login", "/v1/images", "/v1/images/batch"):
        answer = ann.http.post(path, json={"email": "a" * 1_000_001})
        assert refused(answer, 413, "body_too_large")["limitBytes"] == 1_000_000


def test_no_refusal_may_be_cached(anyone, private):
    for answer in (anyone.get("/nope"), anyone.get(private["url"]), anyone.get("/v1/me")):
        assert answer.headers["cache-control"] == "no-store"


def test_who_must_log_in_is_told_how(anyone):
    answer = anyone.get("/v1/me")

    refused(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == 'Bearer realm="darkroom"'
