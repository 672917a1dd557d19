"""Public images on other pages: codes, oEmbed, and a page that previews are made from."""

from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest
import pyvips

from tests.people import expect, refused

HTML = {"Accept": "text/html"}
HOSTILE = "\"><script>alert('1')</script>\n[x](javascript:1) & <b onload=1> [/img] ](u)"


class Tags(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def photo(ann):
    said = {"title": HOSTILE, "description": f"{HOSTILE} described", "tags": ["<i>"]}
    content = pyvips.Image.black(1501, 997, bands=3).jpegsave_buffer()
    return ann.developed(ann.upload(content, "a.jpg", visibility="public", **said))


@pytest.fixture(scope="module")
def quiet(ann, dot):
    return ann.developed(ann.upload(dot, "quiet.png", visibility="unlisted"))


def codes(http, image):
    return expect(http.get(f"/v1/images/{image['imageId']}/embed"), 200)


def size(http, url):
    answer = http.get(url)
    assert answer.status_code == 200, url
    picture = pyvips.Image.new_from_buffer(answer.content, "")
    return picture.width, picture.height


def test_the_html_holds_an_image_in_every_size_and_nothing_else(anyone, service, photo):
    found = codes(anyone, photo)

    assert set(found) == {"html", "markdown", "bbcode", "oembedUrl", "pageUrl"}
    assert found["pageUrl"] == f"{service.url}/p/{photo['imageId']}"
    tags = Tags(found["html"])
    assert [name for name, _ in tags.tags] == ["a", "img"]
    (link,), (img,) = tags.all("a"), tags.all("img")
    assert link == {"href": found["pageUrl"]}
    assert set(img) == {"src", "srcset", "sizes", "width", "height", "alt", "loading"}
    assert img["alt"] == " ".join(HOSTILE.split())
    assert size(anyone, img["src"]) == (int(img["width"]), int(img["height"]))
    pairs = [it.split(" ") for it in img["srcset"].split(", ")]
    widths = [int(wide.removesuffix("w")) for _, wide in pairs]
    assert widths == sorted(set(widths))
    assert widths == [256, 640, 1280, 1501]
    for (url, _), width in zip(pairs, widths, strict=True):
        assert url.startswith(service.url)
        assert size(anyone, url)[0] == width


def test_what_users_write_stays_text_in_markdown_and_is_not_in_bbcode(anyone, photo):
    found = codes(anyone, photo)

    image = Tags(found["html"]).all("img")[0]["src"]
    assert found["bbcode"] == f"[url={found['pageUrl']}][img]{image}[/img][/url]"
    alt = found["markdown"].removeprefix("[![").removesuffix(f"]({image})]({found['pageUrl']})")
    assert "\n" not in alt
    plain = alt.replace("\\\\", "")
    for sign in "[]()<>`*_!":
        assert plain.count(sign) == plain.count(f"\\{sign}"), sign


def test_only_what_everybody_may_see_is_embedded(ann, ben, anyone, private, quiet):
    for rest in ("", "?share=x"):
        path = f"/v1/images/{private['imageId']}/embed{rest}"
        refused(ann.http.get(path), 409, "not_embeddable")
        for http in (ben.http, anyone):
            refused(http.get(path), 403, "forbidden")
    assert codes(ann.http, quiet) == codes(anyone, quiet)


def test_oembed_describes_a_photo(anyone, service, photo):
    url = codes(anyone, photo)["oembedUrl"]
    assert urlsplit(url).path == "/oembed"

    answer = anyone.get(url)

    found = expect(answer, 200)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"].startswith("public, ")
    assert (found["version"], found["type"]) == ("1.0", "photo")
    assert found["provider_url"] == service.url
    assert found["title"] == " ".join(HOSTILE.split())
    assert size(anyone, found["url"]) == (found["width"], found["height"])
    thumb = (found["thumbnail_width"], found["thumbnail_height"])
    assert size(anyone, found["thumbnail_url"]) == thumb


@pytest.mark.parametrize(
    ("widest", "highest"), [(300, 5_000), (5_000, 300), (700, 700), (100, 90), (99, 16)]
)
def test_oembed_gives_nothing_larger_than_was_asked_for(anyone, photo, widest, highest):
    asked = {"url": photo["url"], "maxwidth": widest, "maxheight": highest}

    found = expect(anyone.get("/oembed", params=asked), 200)

    assert found["width"] <= widest
    assert found["height"] <= highest
    assert size(anyone, found["url"]) == (found["width"], found["height"])
    assert "thumbnail_url" not in found or found["thumbnail_width"] <= widest


def test_oembed_says_what_it_does_not_have(ann, anyone, service, photo, private):
    public = photo["url"]
    unknown = "img_" + "0" * 26
    for url in (
        *(f"{service.url}/p/{unknown}", f"{service.url}/p/x", f"{service.url}/", "x", "http://["),
        *(public.replace("http://127.0.0.1", "http://elsewhere"), f"{service.url}/v1/images/x"),
    ):
        refused(anyone.get("/oembed", params={"url": url}), 404, "not_found")
    for place in ("p", "images"):
        url = f"{service.url}/{place}/{private['imageId']}"
        for http in (anyone, ann.http):
            answer = http.get("/oembed", params={"url": url})
            refused(answer, 401, "unauthenticated")
    for format, status, code in (
        ("xml", 501, "format_not_implemented"),
        ("yaml", 422, "validation"),
    ):
        asked = {"url": public, "format": format}
        refused(anyone.get("/oembed", params=asked), status, code)
    refused(anyone.get("/oembed"), 422, "validation")
    for odd in ("0", "-1", "x", "1e3"):
        asked = {"url": public, "maxwidth": odd}
        refused(anyone.get("/oembed", params=asked), 422, "validation")
    for url in (f"{public}/thumb.webp", f"{public}?x=y", photo["url"].replace("/images/", "/p/")):
        expect(anyone.get("/oembed", params={"url": url, "format": "json"}), 200)


def test_the_page_tells_previews_what_it_shows(anyone, service, photo):
    page = anyone.get(f"/p/{photo['imageId']}", headers=HTML)

    assert page.status_code == 200
    tags = Tags(page.text)
    metas = {
        it.get("property", it.get("name")): it.get("content")
        for it in tags.all("meta")
        if "content" in it
    }
    title = " ".join(HOSTILE.split())
    assert metas["og:title"] == metas["twitter:title"] == metas["og:image:alt"] == title
    assert metas["og:description"] == f"{title} described"
    assert metas["og:url"] == f"{service.url}/p/{photo['imageId']}"
    assert metas["twitter:card"] == "summary_large_image"
    assert metas["og:image"].startswith(f"{service.url}/images/")
    figures = (int(metas["og:image:width"]), int(metas["og:image:height"]))
    assert size(anyone, metas["og:image"]) == figures
    assert anyone.get(metas["og:image"]).headers["content-type"] == metas["og:image:type"]
    assert "robots" not in metas
    assert "x-robots-tag" not in page.headers
    oembed = next(it for it in tags.all("link") if it["rel"] == "alternate")
    assert oembed["type"] == "application/json+oembed"
    assert expect(anyone.get(oembed["href"]), 200)["title"] == title
    assert parse_qs(urlsplit(oembed["href"]).query)["url"] == [metas["og:url"]]
    assert oembed["href"] in page.headers["link"]


def test_nothing_on_the_page_runs(anyone, photo):
    page = anyone.get(f"/p/{photo['imageId']}", headers=HTML)

    tags = Tags(page.text)
    known = {"html", "head", "meta", "title", "link", "style", "body", "h1", "p", "a", "img"}
    assert {name for name, _ in tags.tags} == known
    for _, attributes in tags.tags:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("href", "src"):
            assert attributes.get(name, "http").startswith(("http", "/"))
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; img-src 'self'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["x-content-type-options"] == "nosniff"


def test_the_page_is_cached_as_the_image_is(ann, anyone, photo, quiet):
    for image in (photo, quiet):
        shown = anyone.get(image["url"])
        page = anyone.get(f"/p/{image['imageId']}")
        for name in ("cache-control", "surrogate-key", "x-robots-tag"):
            assert page.headers.get(name) == shown.headers.get(name), name
        asked = {"If-None-Match": page.headers["etag"]}
        again = anyone.get(f"/p/{image['imageId']}", headers=asked)
        assert (again.status_code, again.content) == (304, b"")
    robots = [it for it in Tags(page.text).all("meta") if it.get("name") == "robots"]
    assert robots == [{"name": "robots", "content": "noindex"}]
    expect(ann.http.patch(f"/v1/images/{quiet['imageId']}", json={"title": "New"}), 200)
    assert anyone.get(f"/p/{quiet['imageId']}", headers=asked).status_code == 200


def test_what_not_everybody_may_see_has_no_page_whoever_asks(ann, anyone, private):
    path = f"/p/{private['imageId']}"
    for http in (ann.http, anyone):
        refused(http.get(path), 403, "forbidden")
        page = http.get(path, headers=HTML)
        assert page.status_code == 403
        assert page.headers["content-type"].startswith("text/html")
        assert private["title"] not in page.text
        assert page.headers["cache-control"] == "no-store"
    for id in ("x", "img_" + "0" * 26):
        refused(anyone.get(f"/p/{id}"), 404, "not_found")
