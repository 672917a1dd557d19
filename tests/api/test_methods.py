"""Methods, and scripts of other origins."""

import httpx
import pytest

from tests.people import expect, refused

ORIGIN = {"Origin": "https://elsewhere.example"}
GETS = [
    *("/v1/me", "/v1/me/usage", "/v1/images", "/images", "/v1/search?q=x", "/health/live"),
    *("/health/ready", "/.well-known/jwks.json", "/metrics", "/schema/openapi.json"),
]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/me", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("DELETE", "/v1/images", "GET, HEAD, OPTIONS, POST"),
        ("GET", "/v1/auth/login", "OPTIONS, POST"),
        ("HEAD", "/v1/auth/login", "OPTIONS, POST"),
        ("POST", "/images/img_x", "GET, HEAD, OPTIONS"),
        ("BREW", "/v1/images/img_x", "DELETE, GET, HEAD, OPTIONS, PATCH"),
    ],
)
def test_a_wrong_method_is_405_and_learns_the_right_ones(anyone, method, path, allowed):
    answer = anyone.request(method, path)

    assert answer.headers["allow"] == allowed
    if method != "HEAD":
        refused(answer, 405, "method_not_allowed")
    assert answer.status_code == 405
    asked = anyone.options(path)
    assert (asked.status_code, asked.headers["allow"]) == (204, allowed)


def test_options_of_nothing_is_404(anyone):
    assert anyone.options("/v1/nope").status_code == 404


@pytest.mark.parametrize("path", GETS)
def test_head_is_get_without_the_body(ann, path):
    whole, head = ann.http.get(path), ann.http.head(path)

    assert head.status_code == whole.status_code == 200
    assert head.content == b""
    assert head.headers["content-type"] == whole.headers["content-type"]
    assert {*whole.headers} == {*head.headers}
    if path not in ("/metrics", "/health/ready"):  # these change from one to the next
        assert head.headers["content-length"] == str(len(whole.content))


@pytest.mark.parametrize(("path", "status"), [("/v1/me", 401), ("/v1/images/x", 404), ("/no", 404)])
def test_head_is_refused_as_get_is(anyone, path, status):
    answer = anyone.head(path)

    assert (answer.status_code, answer.content) == (status, b"")


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_a_script_of_another_origin_may_ask(anyone, method):
    wanted = "authorization, content-type, if-match, darkroom-min-position"
    preflight = {
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": wanted,
    }

    answer = anyone.options("/v1/images", headers=ORIGIN | preflight)

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert method in answer.headers["access-control-allow-methods"].split(", ")
    allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
    assert set(wanted.split(", ")) <= set(allowed)
    assert "access-control-allow-credentials" not in answer.headers


def test_and_read_what_it_is_told(anyone, public):
    for path in ("/v1/images", public["url"], public["thumbnailUrl"]):
        answer = anyone.get(path, headers=ORIGIN)
        assert answer.headers.get_list("access-control-allow-origin") == ["*"], "and once"
        exposed = answer.headers["access-control-expose-headers"].lower().split(", ")
        assert {"etag", "location", "darkroom-position", "retry-after"} <= set(exposed)


def test_what_is_not_said_otherwise_no_shared_cache_may_keep(ann, anyone):
    """Lists lie beside the pictures, where a CDN asks, and differ from one asker to the next."""
    for http, path in ((ann.http, "/v1/me"), (anyone, "/images"), (anyone, "/v1/images")):
        answer = http.get(path)
        expect(answer, 200)
        assert answer.headers.get_list("cache-control") == ["private, no-cache"]


def test_the_connection_outlives_a_refusal(service):
    with httpx.Client(base_url=service.url) as http:
        for _ in range(3):
            refused(http.post("/v1/auth/login", content=b"{"), 400, "malformed")
            expect(http.get("/health/live"), 200)
