"""Views, downloads, bytes that left: what an owner is told of them."""

import httpx
import pytest

from tests.people import Person, eventually, expect, refused
from tests.service import coming_from


@pytest.fixture(scope="module")
def owner(service):
    return Person(service, "seen")


@pytest.fixture
def shown(owner, dot):
    return owner.developed(owner.upload(dot, "seen.png", visibility="public"))


def stats(owner, image):
    return expect(owner.http.get(f"/v1/images/{image['imageId']}/stats"), 200)


def counted(owner, image, **expected):
    """Once it is written down. What is not named is not looked at."""

    def there():
        found = stats(owner, image)
        return {name: found[name] for name in expected} == expected

    eventually(there, within=10)


def path(image, rest=""):
    return f"/images/{image['imageId']}{rest}"


def test_views_of_renderings_and_originals_are_counted_apart(owner, shown, anyone, dot):
    for _ in range(3):
        assert anyone.get(path(shown)).content == dot
    thumb = anyone.get(path(shown, "/thumb.webp")).content
    anyone.get(path(shown, "/original.png"))

    egress = 4 * len(dot) + len(thumb)
    counted(owner, shown, views=1, originals=4, variants=1, downloads=0, egressBytes=egress)
    found = stats(owner, shown)
    (day,) = found.pop("byDay")
    day.pop("day")
    assert day == found
    picture = expect(anyone.get(f"/v1/images/{shown['imageId']}"), 200)
    assert picture["views"] == 1
    assert shown["views"] == 0


def test_each_viewer_counts(owner, shown, service, anyone):
    anyone.get(path(shown))
    owner.http.get(path(shown))
    for address in ("127.0.0.5", "127.0.0.6"):
        with coming_from(service, address) as visitor:
            visitor.get(path(shown))
            visitor.get(path(shown), headers={"User-Agent": "Another browser"})

    counted(owner, shown, views=6)


def test_a_download_is_no_view(owner, shown, anyone):
    anyone.get(path(shown), params={"download": "1"})

    counted(owner, shown, downloads=1, views=0)


def test_looks_by_a_share_link_are_told_apart(owner, dot, anyone):
    hidden = owner.developed(owner.upload(dot, "hidden.png"))
    url = expect(owner.http.post(f"/v1/images/{hidden['imageId']}/share", json={}), 201)["shareUrl"]
    assert anyone.get(url).status_code == 200

    counted(owner, hidden, shared=1, views=1)


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "facebookexternalhit/1.1",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0)",
        "WhatsApp/2.23.20.0",
        "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/119.0.0.0 Safari/537.36",
    ],
)
def test_robots_are_no_viewers(owner, shown, anyone, agent, dot):
    anyone.get(path(shown), headers={"User-Agent": agent})

    counted(owner, shown, robots=1, views=0, egressBytes=len(dot))


@pytest.mark.parametrize(
    "agent",
    ["Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "curl/8.5.0", ""],
)
def test_browsers_are_viewers(owner, shown, anyone, agent):
    anyone.get(path(shown), headers={"User-Agent": agent})

    counted(owner, shown, robots=0, views=1)


def test_what_is_no_look_of_its_own_is_apart(owner, shown, anyone, dot):
    tag = anyone.head(path(shown)).headers["ETag"]
    assert anyone.get(path(shown), headers={"If-None-Match": tag}).status_code == 304
    assert anyone.get(path(shown), headers={"Range": "bytes=10-"}).status_code == 206
    counted(owner, shown, repeats=3, views=0, egressBytes=len(dot) - 10)

    assert anyone.get(path(shown), headers={"Range": "bytes=0-9"}).status_code == 206
    counted(owner, shown, repeats=3, views=1, egressBytes=len(dot))


def test_refusals_count_nothing(owner, dot, anyone):
    hidden = owner.developed(owner.upload(dot, "hidden.png"))
    refused(anyone.get(path(hidden)), 403, "forbidden")
    owner.http.get(path(hidden))

    counted(owner, hidden, views=1)
    assert stats(owner, hidden)["originals"] == 1


def test_stats_are_the_owners(shown, ben, anyone):
    refused(ben.http.get(f"/v1/images/{shown['imageId']}/stats"), 403, "forbidden")
    refused(anyone.get(f"/v1/images/{shown['imageId']}/stats"), 401, "unauthenticated")


def test_the_most_viewed_come_first_and_cursors_go_through_all(service, dot):
    owner = Person(service, "popular")
    images = [owner.developed(owner.upload(dot, f"{n}.png", visibility="public")) for n in range(7)]
    wanted = {images[3]["imageId"]: 3, images[0]["imageId"]: 2, images[5]["imageId"]: 2}
    for id, viewers in wanted.items():
        for number in range(viewers):
            httpx.get(f"{service.url}/images/{id}", headers={"User-Agent": f"Browser {number}"})
    for id, views in wanted.items():
        counted(owner, {"imageId": id}, views=views)

    query = {"user": owner.id, "sort": "most_viewed"}
    whole = expect(owner.http.get("/v1/images", params=query), 200)["images"]
    assert [it["views"] for it in whole] == [3, 2, 2, 0, 0, 0, 0]
    assert {it["imageId"] for it in whole} == {it["imageId"] for it in images}
    for limit in (1, 2, 3, 4):
        found, cursor = [], ""
        while cursor is not None:
            asked = query | {"limit": limit} | ({"cursor": cursor} if cursor else {})
            page = expect(owner.http.get("/v1/images", params=asked), 200)
            found += page["images"]
            cursor = page["nextCursor"]
        assert found == whole
    for period in ("day", "week", "month", "all"):
        page = expect(owner.http.get("/v1/images", params=query | {"period": period}), 200)
        assert (page["images"], page["total"]) == (whole, 7)
    refused(owner.http.get("/v1/images", params=query | {"period": "year"}), 422, "validation")
    everybody = {"sort": "most_viewed", "limit": 100}
    public = expect(service.client().get("/v1/images", params=everybody), 200)["images"]
    assert [it["views"] for it in public] == sorted((it["views"] for it in public), reverse=True)


def test_ones_own_usage_tells_what_left(service, dot, anyone):
    owner = Person(service, "user")
    image = owner.developed(owner.upload(dot, "used.png", visibility="public"))
    anyone.get(path(image))
    anyone.get(path(image), params={"download": "1"})
    counted(owner, image, views=1, downloads=1)

    usage = owner.usage
    assert (usage["views"], usage["downloads"]) == (1, 1)
    assert usage["egressBytes"] == 2 * len(dot)
