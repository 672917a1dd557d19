"""The shortest way gives what the framework gives, and nothing that it would not give."""

import pytest

from tests.api.test_delivered_headers import directives
from tests.people import PHOTO, eventually, expect, refused, sample

LONGER = {"Darkroom-Min-Position": "0"}
"""Whoever sends it is answered by the framework."""
TIMES = 6
"""Enough for every process to have been asked before."""
ACCEPT = {"Accept": "image/avif,image/webp,*/*;q=0.8"}


@pytest.fixture(scope="module")
def photos(ann):
    """By visibility; with all that is made later, so that nothing of them changes any more."""
    found = {}
    for visibility in ("public", "unlisted", "private"):
        image = ann.developed(ann.upload(sample(PHOTO), "Fête.jpg", visibility=visibility))
        url = f"/v1/images/{image['imageId']}/versions"
        eventually(lambda url=url: '"avif"' in ann.http.get(url).text)
        found[visibility] = ann.developed(image)
    return found


def signed(ann, image, variant):
    asked = {"variant": variant, "expiresIn": 600}
    url = f"/v1/images/{image['imageId']}/signed-url"
    return expect(ann.http.post(url, json=asked), 200)["url"]


def urls(ann, image):
    if image["visibility"] == "private":
        return [signed(ann, image, it) for it in ("thumb.webp", "small.jpg", "medium.auto")]
    named = image["variants"]["thumb"]
    old = named.rpartition("?")[0] + "?v=old"
    others = [f"{image['url']}/{it}" for it in ("small.png", "large.auto", "medium.jpeg")]
    return [named, old, *others]


@pytest.mark.parametrize("visibility", ["public", "unlisted", "private"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("condition", [{}, {"If-None-Match": "*"}, {"If-None-Match": '"other"'}])
def test_both_ways_give_the_same(ann, anyone, photos, visibility, method, condition):
    for url in urls(ann, photos[visibility]):
        for _ in range(TIMES):
            anyone.get(url)
        ways = [
            anyone.request(method, url, headers=ACCEPT | condition | way) for way in ({}, LONGER)
        ]
        assert ways[0].status_code == ways[1].status_code in (200, 304)
        assert ways[0].content == ways[1].content
        told = [
            {name: value for name, value in way.headers.items() if name not in PASSING}
            for way in ways
        ]
        assert told[0] == told[1], url
        assert all(way.headers["x-request-id"] for way in ways)


PASSING = {"date", "x-request-id", "ratelimit"}


def test_the_next_request_after_a_change_is_refused(ann, service, photos):
    """In every process, on every connection, though each has just given it."""
    image = ann.developed(ann.upload(sample(PHOTO), visibility="public"))
    url, path = image["variants"]["thumb"], f"/v1/images/{image['imageId']}"

    def answers():
        for _ in range(TIMES):
            with service.client() as fresh:
                yield fresh.get(url)

    for change, refusal in (
        ({"visibility": "private"}, (403, "forbidden")),
        ({"visibility": "unlisted"}, None),
        (None, (404, "not_found")),
    ):
        if change:
            expect(ann.http.patch(path, json=change), 200)
        else:
            expect(ann.http.delete(path), 200)
        for answer in answers():
            if refusal:
                refused(answer, *refusal)
            else:
                assert answer.status_code == 200
                assert answer.headers["x-robots-tag"] == "noindex"


def test_a_signed_url_is_void_once_the_image_was_made_private_again(ann, anyone, photos):
    image = ann.developed(ann.upload(sample(PHOTO), visibility="unlisted"))
    url = signed(ann, image, "thumb.webp")
    for _ in range(TIMES):
        assert anyone.get(url).status_code == 200

    expect(ann.http.patch(f"/v1/images/{image['imageId']}", json={"visibility": "private"}), 200)

    for _ in range(TIMES):
        refused(anyone.get(url), 403, "share_revoked")


def test_a_tampered_url_opens_nothing_that_another_opened(ann, anyone, photos):
    url = signed(ann, photos["private"], "thumb.webp")
    for _ in range(TIMES):
        assert anyone.get(url).status_code == 200

    for bad in (
        url.replace("thumb", "small"),
        url.replace("epoch=", "epoch=1"),
        url + "&v=1",
        url + "&exp=1",
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url.partition("?")[0],
    ):
        assert anyone.get(bad).status_code == 403, bad


def test_looks_are_counted_as_ever(ann, anyone, photos):
    image = ann.developed(ann.upload(sample(PHOTO), visibility="public"))
    sizes = [len(anyone.get(image["variants"]["thumb"]).content) for _ in range(TIMES)]

    def told():
        return expect(ann.http.get(f"/v1/images/{image['imageId']}/stats"), 200)

    eventually(lambda: told()["variants"] == TIMES)
    assert told()["views"] == 1
    assert told()["egressBytes"] == sum(sizes)


def test_answers_are_in_the_metrics_as_ever(ann, anyone, photos):
    def answered():
        lines = anyone.get("/metrics").text.splitlines()
        (line,) = [
            it
            for it in lines
            if it.startswith("darkroom_http_requests_total{")
            and 'route="/images/{id}/{variant}"' in it
            and 'status="200"' in it
            and 'method="GET"' in it
        ]
        return float(line.rpartition(" ")[2])

    url = photos["public"]["variants"]["thumb"]
    anyone.get(url)
    before = answered()

    for way in ({}, LONGER) * TIMES:
        anyone.get(url, headers=way)

    assert answered() == before + 2 * TIMES


def test_what_the_url_names_is_kept_for_good(anyone, photos):
    """Shared caches ask again nevertheless: what is taken down goes from them."""
    public = photos["public"]
    for url in public["variants"].values():
        told = directives(anyone.get(url))
        assert {"public", "immutable"} <= told.keys()
        assert int(told["max-age"]) > 30_000_000
        assert int(told["s-maxage"]) <= 3_600

    plain = public["variants"]["thumb"].partition("?")[0]
    for url in (plain, f"{plain}?v=other", f"{plain}?v="):
        told = directives(anyone.get(url))
        assert "immutable" not in told
        assert int(told["max-age"]) <= 3_600


def test_only_what_is_public_and_the_same_for_all_is_kept_for_good(ann, anyone, photos):
    unlisted = directives(anyone.get(photos["unlisted"]["variants"]["thumb"]))
    assert int(unlisted["max-age"]) <= 60
    private = ann.http.get(photos["private"]["variants"]["thumb"])
    assert directives(private).keys() == {"private", "no-cache"}
    version = photos["public"]["variants"]["thumb"].rpartition("?")[2]
    for path in ("thumb.auto", "original.jpg"):
        told = directives(anyone.get(f"{photos['public']['url']}/{path}?{version}"))
        assert "immutable" not in told, path


def test_the_name_changes_with_the_bytes(ann, photos):
    other = ann.developed(ann.upload(sample("valid/Pillow__rgb.jpg"), visibility="public"))

    versions = {it["variants"]["thumb"].rpartition("?v=")[2] for it in (*photos.values(), other)}
    assert len(versions) == 2, "the same bytes have the same name"
