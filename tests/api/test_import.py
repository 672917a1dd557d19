"""Images by URL, through the whole service: what comes in, and where it will not go."""

import hashlib
import secrets

import pytest

from tests.elsewhere import web
from tests.people import expect, refused, sample

PIXEL = sample("valid/sharp__2x2_fdcce6.png")


def take(person, url: str, **fields):
    return person.http.post("/v1/uploads/import", json={"url": url, **fields})


def test_what_a_url_leads_to_becomes_an_image(ann):
    answer = take(
        ann,
        web().url("/picture.png?v=2"),
        title="Found",
        description="Somewhere",
        tags=["web"],
        visibility="public",
        custom={"from": "elsewhere"},
    )

    image = expect(answer, 201)
    assert answer.headers["location"] == f"/v1/images/{image['imageId']}"
    assert int(answer.headers["darkroom-position"]) > 0
    assert (image["title"], image["tags"], image["visibility"]) == ("Found", ["web"], "public")
    assert image["custom"] == {"from": "elsewhere"}
    assert image["filename"] == "picture.png"
    assert image["checksum"] == f"sha256:{hashlib.sha256(PIXEL).hexdigest()}"
    assert ann.http.get(image["url"]).content == PIXEL


def test_a_file_name_can_be_given(ann):
    image = expect(take(ann, web().url("/picture.png"), filename="../mine.png"), 201)

    assert image["filename"] == "mine.png"


def test_a_redirect_is_followed(ann):
    web().pages["/moved"] = "/picture.png"

    assert expect(take(ann, web().url("/moved")), 201)["filename"] == "moved"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/picture.png",
        "http://localhost/",
        "http://127.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://no-such-name.invalid/",
        "http://127.0.0.2:22/",
        "http://me@127.0.0.2:8100/",
        "file:///etc/passwd",
        "gopher://127.0.0.2:8100/_x",
    ],
)
def test_nothing_is_fetched_from_inside(ann, url):
    problem = refused(take(ann, url), 422, "url_forbidden")

    assert set(problem) == {"type", "title", "status", "detail", "code", "reason"}


def test_nor_by_a_redirect(ann):
    web().pages["/inside"] = "http://127.0.0.1:8100/"
    web().pages["/round"] = "/round"

    refused(take(ann, web().url("/inside")), 422, "url_forbidden")
    problem = refused(take(ann, web().url("/round")), 422, "import_failed")
    assert problem["reason"] == "too many redirects"


def test_the_services_own_servers_are_out_of_reach(ann, service):
    """Its API, its database, its object store: all on 127.0.0.1."""
    for port in (service.port, 5432, 8333):
        refused(take(ann, f"http://127.0.0.1:{port}/health/live"), 422, "url_forbidden")


def test_what_is_not_there_or_no_image_is_refused_and_costs_nothing(ann):
    before = ann.taken

    assert refused(take(ann, web().url("/gone")), 422, "import_failed")["answered"] == 404
    refused(take(ann, web().url("/no-picture.png")), 415, "unsupported_format")

    ticket = ann.initiate(PIXEL)  # a write waits for all that came before it
    assert ann.http.delete(f"/v1/uploads/{ticket['uploadId']}").status_code == 204
    assert ann.taken == before


def test_fields_are_checked_before_anything_is_fetched(ann, service):
    asked = len(web().asked)

    refused(take(ann, ""), 422, "validation")
    refused(take(ann, web().url("/picture.png"), tags=[""]), 422, "validation")
    refused(take(ann, web().url("/picture.png"), unknown=1), 422, "validation")
    stranger = service.client().post("/v1/uploads/import", json={"url": web().url("/x")})
    refused(stranger, 401, "unauthenticated")

    assert len(web().asked) == asked


def test_a_failed_import_may_be_tried_again_under_its_key(ann):
    path = f"/{secrets.token_hex(4)}.png"
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    body = {"url": web().url(path)}
    refused(ann.http.post("/v1/uploads/import", json=body, headers=headers), 422, "import_failed")
    web().pages[path] = PIXEL

    first = expect(ann.http.post("/v1/uploads/import", json=body, headers=headers), 201)
    again = ann.http.post("/v1/uploads/import", json=body, headers=headers)

    assert again.json() == first
    assert again.headers["idempotency-replayed"] == "true"
    assert web().asked.count(path) == 2
