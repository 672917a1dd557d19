"""Positions: what every write answers, and what every read can wait for."""

import time

import pytest

from tests.people import expect, refused

AHEAD = "Darkroom-Min-Position"
NEVER = "999999999999"


def test_every_write_names_its_position_and_they_grow(ann, dot):
    ticket = ann.http.post("/v1/uploads", json={"filename": "a", "size": 76, "contentType": "a/b"})
    abandoned = ann.initiate(dot)
    done = ann.initiate(dot)
    ann.put(done, dot)
    finalized = ann.finalize(done)
    image = f"/v1/images/{expect(finalized, 201)['imageId']}"
    share = ann.http.post(f"{image}/share", json={})
    writes = [
        ticket,
        finalized,
        share,
        ann.http.delete(f"/v1/uploads/{abandoned['uploadId']}"),
        ann.http.patch(image, json={"title": "x"}),
        ann.http.delete(f"{image}/shares/{expect(share, 201)['shareId']}"),
        ann.http.delete(image),
        ann.http.post(f"{image}/restore"),
        ann.http.patch("/v1/me", json={"notify": {"quota": True}}),
        ann.http.post("/v1/images", files={"file": ("a.png", dot)}),
    ]

    positions = [int(answer.headers["darkroom-position"]) for answer in writes]

    assert all(answer.is_success for answer in writes)
    assert positions == sorted(set(positions))


@pytest.mark.parametrize("path", ["/v1/images", "/images", "/v1/search?q=waiting", "/v1/me"])
def test_a_read_waits_for_the_position_it_asks_for(ann, dot, path):
    """On connections that come and go, so that any process may answer."""
    for number in range(5):
        image = ann.upload(dot, title=f"waiting {number}")
        answer = ann.http.patch(
            f"/v1/images/{image['imageId']}", json={"title": f"waiting {number} long"}
        )
        wanted = {AHEAD: answer.headers["darkroom-position"]}
        with ann.service.client(ann.tokens["accessToken"]) as other:
            found = expect(other.get(path, headers=wanted), 200)
        if "images" in found:
            assert f"waiting {number} long" in [image["title"] for image in found["images"]]


def test_what_has_not_come_within_2_s_is_503(ann, public):
    began = time.monotonic()

    for path in (f"/v1/images/{public['imageId']}", public["url"]):
        answer = ann.http.get(path, headers={AHEAD: NEVER})
        problem = refused(answer, 503, "projection_behind")
        assert int(answer.headers["retry-after"]) >= 1
        assert problem["wanted"] == int(NEVER) > problem["position"] > 0

    assert 3.5 < time.monotonic() - began < 10


@pytest.mark.parametrize("position", ["-1", "x", "1.5", "", "٣", "9" * 19, "1, 2"])
def test_what_is_no_position_is_422(anyone, position):
    answer = anyone.get("/v1/images", headers={AHEAD: position.encode()})

    problem = refused(answer, 422, "validation")
    assert [error["field"] for error in problem["errors"]] == [AHEAD]


def test_the_past_is_no_wait(anyone):
    began = time.monotonic()

    expect(anyone.get("/v1/images", headers={AHEAD: "0"}), 200)

    assert time.monotonic() - began < 1
