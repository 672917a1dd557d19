"""The CDN: a real Varnish keeps what is public, and forgets within a second what no longer is."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.people import PHOTO, Person, eventually, expect, sample
from tests.service import TRUST

pytestmark = pytest.mark.xdist_group("gate")

BECAUSE = {"reason": "a claim"}
PATHS = ("", "/thumb.webp", "/small.auto")


@pytest.fixture(scope="module")
def dora(gated):
    return Person(gated, "dora")


@pytest.fixture
def edge(varnish):
    with httpx.Client(base_url=varnish.url, timeout=60, verify=TRUST) as http:
        yield http


@pytest.fixture
def image(gated, varnish, dora, edge):
    """A public one that the CDN keeps every rendering of."""
    return kept(gated, dora, edge, sample(PHOTO))


def kept(gated, dora, edge, content: bytes) -> dict:
    image = dora.upload(content, visibility="public")
    url = f"/images/{image['imageId']}"
    eventually(lambda: gated.client().get(url).status_code == 200)
    for path in PATHS:
        eventually(lambda path=path: hit(edge.get(url + path)))
    return image


def hit(answer: httpx.Response) -> bool:
    assert answer.status_code == 200
    return answer.headers["cache-status"] == "darkroom; hit"


def statuses(edge: httpx.Client, image: dict) -> set[int]:
    return {edge.get(f"/images/{image['imageId']}{path}").status_code for path in PATHS}


def gone_within_a_second(edge, image, status: int) -> float:
    """Called right after the act was answered. Returns how long it took."""
    began = time.monotonic()
    while (found := statuses(edge, image)) != {status}:
        assert time.monotonic() - began < 1, found
        time.sleep(0.005)
    return time.monotonic() - began


def test_takedown(dora, reviewer, edge, image):
    path = f"/v1/admin/images/{image['imageId']}"
    expect(reviewer.http.post(f"{path}/takedown", json=BECAUSE), 200)
    gone_within_a_second(edge, image, 403)

    expect(reviewer.http.post(f"{path}/reinstate", json=BECAUSE), 200)
    eventually(lambda: statuses(edge, image) == {200})


def test_made_private(dora, edge, image):
    expect(dora.http.patch(f"/v1/images/{image['imageId']}", json={"visibility": "private"}), 200)
    gone_within_a_second(edge, image, 403)


def test_deleted(dora, edge, image):
    expect(dora.http.delete(f"/v1/images/{image['imageId']}"), 200)
    gone_within_a_second(edge, image, 404)


def test_purged(dora, edge, image):
    expect(dora.http.post(f"/v1/images/{image['imageId']}/purge"), 202)
    gone_within_a_second(edge, image, 404)


def test_quarantined(gated, clamd, varnish, dora, reviewer, edge):
    image = kept(gated, dora, edge, sample(PHOTO) + b"<KEPT AT THE EDGE 5d02>")
    clamd.learn("Edge", b"<KEPT AT THE EDGE 5d02>")
    path = f"/v1/admin/images/{image['imageId']}/rescan"

    expect(reviewer.http.post(path, json=BECAUSE), 202)

    url = f"/images/{image['imageId']}"
    eventually(lambda: gated.client().get(url).status_code == 403)
    gone_within_a_second(edge, image, 403)


def test_what_is_not_for_everybody_is_never_kept(gated, dora, edge, image):
    url = f"/images/{image['imageId']}"
    mine = {"Authorization": dora.http.headers["Authorization"]}
    hidden = dora.developed(dora.upload(sample(PHOTO)), within=60)
    for _ in range(3):
        answer = edge.get(url, headers=mine)
        assert (answer.status_code, answer.headers["cache-status"]) == (200, "darkroom; fwd=bypass")
        own = edge.get(f"/images/{hidden['imageId']}", headers=mine)
        assert (own.status_code, own.headers["cache-status"]) == (200, "darkroom; fwd=bypass")
        assert edge.get(f"/images/{hidden['imageId']}").status_code == 403
    asked = {"variant": "small.webp"}
    signed = f"/v1/images/{hidden['imageId']}/signed-url"
    path = expect(dora.http.post(signed, json=asked), 200)["url"].removeprefix(gated.url)
    for _ in range(3):
        answer = edge.get(path)
        assert (answer.status_code, answer.headers["cache-status"]) == (200, "darkroom; fwd=bypass")
    assert hit(edge.get(url, headers={"Cookie": "a=b"}))


def test_each_gets_what_it_understands_though_the_cdn_keeps_it(edge, image):
    url = f"/images/{image['imageId']}/small.auto"
    for accept, type in (("image/webp,*/*", "image/webp"), ("image/jpeg", "image/jpeg")):
        eventually(lambda accept=accept: hit(edge.get(url, headers={"Accept": accept})))
        assert edge.get(url, headers={"Accept": accept}).headers["content-type"] == type


def test_a_stranger_bans_nothing(varnish, edge, image):
    outside = httpx.HTTPTransport(local_address="127.0.0.9", verify=TRUST)
    with httpx.Client(base_url=varnish.url, transport=outside) as http:
        headers = {"Surrogate-Key": image["imageId"]}
        assert http.request("BAN", "/", headers=headers).status_code == 403
    assert hit(edge.get(f"/images/{image['imageId']}"))
    assert edge.request("BAN", "/", headers={"Surrogate-Key": ".*"}).status_code == 400


def test_while_the_cdn_is_away_nothing_is_lost(gated, varnish, dora, reviewer, edge):
    """It stands still with all that it keeps, and comes back with it."""
    images = [kept(gated, dora, edge, sample(PHOTO)) for _ in range(3)]
    varnish.hang()
    with ThreadPoolExecutor(3) as pool:
        paths = [f"/v1/admin/images/{it['imageId']}/takedown" for it in images]
        answers = pool.map(lambda path: reviewer.http.post(path, json=BECAUSE), paths)
        assert [answer.status_code for answer in answers] == [200, 200, 200]
    time.sleep(1)

    varnish.go_on()

    for image in images:
        eventually(lambda image=image: statuses(edge, image) == {403}, within=20)
