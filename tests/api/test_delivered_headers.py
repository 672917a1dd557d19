"""What stands above the pixels: for caches, for browsers, for whoever saves the file."""

import email.message
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

import pytest

from tests.people import expect, refused

RENDERINGS = ["", "/original.png", "/thumb.webp", "/small.jpg", "/medium.png", "/large.auto"]
ALWAYS = {
    "accept-ranges": "bytes",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
}
SHARED = {
    "public": ("public", 3_600),
    "unlisted": ("public", 120),
    "private": ("private", None),
}


@pytest.fixture(params=["public", "unlisted", "private"])
def image(request):
    return request.getfixturevalue(request.param)


def directives(answer):
    (line,) = answer.headers.get_list("cache-control")
    pairs = [directive.strip().partition("=") for directive in line.split(",")]
    return {name: value for name, _, value in pairs}


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_every_rendering_has_all_of_them(ann, image, rendering):
    answer = ann.http.get(image["url"] + rendering)

    assert answer.status_code == 200
    headers = dict(answer.headers)
    assert ALWAYS.items() <= headers.items()
    assert headers["surrogate-key"] == image["imageId"]
    assert headers["content-length"] == str(len(answer.content))
    assert headers["etag"].startswith('"')
    assert parsedate_to_datetime(headers["last-modified"]).tzinfo
    expected = {"jpg": "image/jpeg", "auto": "image/jpeg", "webp": "image/webp"}
    extension = rendering.partition(".")[2]
    assert headers["content-type"] == expected.get(extension, "image/png")
    for name in headers:
        assert len(answer.headers.get_list(name)) == 1, name


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_caches_keep_what_everybody_may_see(ann, anyone, image, rendering):
    visibility = image["visibility"]
    http = ann.http if visibility == "private" else anyone
    scope, longest = SHARED[visibility]

    answer = http.get(image["url"] + rendering)

    told = directives(answer)
    assert scope in told
    if longest:
        assert int(told["max-age"]) <= int(told["s-maxage"]) <= longest
    else:
        assert "no-cache" in told
    assert (answer.headers.get("x-robots-tag") == "noindex") == (visibility != "public")


def test_only_a_shared_original_depends_on_who_asks(ann, anyone, public):
    """The owner's has the place in it: no shared cache may keep it, nor give it to others."""
    owners, others = ann.http.get(public["url"]), anyone.get(public["url"])

    assert directives(owners).keys() == {"private", "no-cache"}
    assert "public" in directives(others)
    assert owners.headers["vary"] == others.headers["vary"] == "Authorization"
    assert "vary" not in anyone.get(public["thumbnailUrl"]).headers
    assert anyone.get(f"{public['url']}/thumb.auto").headers["vary"] == "Accept"


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_head_is_get_without_the_body(ann, image, rendering):
    url = image["url"] + rendering

    whole, head = ann.http.get(url), ann.http.head(url)

    assert head.status_code == 200
    assert head.content == b""
    own = {"date": "", "x-request-id": ""}
    assert dict(head.headers) | own == dict(whole.headers) | own


def test_head_is_refused_as_get_is(anyone, private, public):
    for url, status in ((private["url"], 403), (f"{public['url']}/huge.webp", 404)):
        assert anyone.head(url).status_code == anyone.get(url).status_code == status


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_what_has_not_changed_is_not_sent_again(anyone, public, rendering):
    url = public["url"] + rendering
    whole = anyone.get(url)
    etag, modified = whole.headers["etag"], whole.headers["last-modified"]

    for condition in (
        {"If-None-Match": etag},
        {"If-None-Match": f'"other", W/{etag}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": modified},
        {"If-Modified-Since": "Fri, 31 Dec 2100 23:59:59 GMT"},
        {"If-None-Match": etag, "If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
    ):
        for method in ("GET", "HEAD"):
            answer = anyone.request(method, url, headers=condition)
            assert (answer.status_code, answer.content) == (304, b""), condition
            for name in ("etag", "cache-control", "last-modified"):
                assert answer.headers[name] == whole.headers[name]
            assert answer.headers.get("vary") == whole.headers.get("vary")

    for condition in (
        {"If-None-Match": '"other"'},
        {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"If-Modified-Since": "yesterday"},
        {"If-None-Match": '"other"', "If-Modified-Since": modified},
    ):
        assert anyone.get(url, headers=condition).status_code == 200, condition


def test_each_rendering_has_a_tag_of_its_own(ann, public):
    tags = [ann.http.get(public["url"] + rendering).headers["etag"] for rendering in RENDERINGS]

    assert len(set(tags)) == len(RENDERINGS) - 1, "the original has two names"


NAMES = {
    "lake.png": ("lake.png", "lake.png"),
    "lake": ("lake.png", "lake.png"),
    "lake.exe": ("lake.png", "lake.png"),
    "fête é.jpeg": ("fete e.png", "fête é.png"),
    'a"b\\c;d=e.png': ("c_d_e.png", "c;d=e.png"),
    "a\r\nX-Evil: 1.png": ("aX-Evil_ 1.png", "aX-Evil: 1.png"),
    "💥.png": ("image.png", "💥.png"),
    "日本 語.png": ("image.png", "日本 語.png"),
    "..": ("image.png", "image.png"),
    ".htaccess": ("htaccess.png", "htaccess.png"),
    "%0d%0a%22.png": ("_0d_0a_22.png", "%0d%0a%22.png"),
    "\u202egnp.exe": ("gnp.png", "gnp.png"),
    "x" * 255: ("x" * 255 + ".png", "x" * 255 + ".png"),
}


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:20])
def test_a_saved_file_has_a_safe_name_and_the_real_one(ann, dot, name):
    image = ann.upload(dot, name)

    for query, way in (("", "inline"), ("?download=1", "attachment")):
        line = ann.http.get(image["url"] + query).headers["content-disposition"]
        plain, real = NAMES[name]
        parsed = email.message.Message()
        parsed["Content-Disposition"] = line
        assert parsed.get_content_disposition() == way
        assert f'; filename="{plain}"; ' in line
        encoded = line.partition("filename*=UTF-8''")[2]
        assert unquote(encoded) == real
        assert parsed.get_filename() in (plain, real)


def test_the_name_has_the_ending_of_what_is_sent(ann, public):
    for rendering, ending in (
        ("/thumb.webp", "webp"),
        ("/small.jpg", "jpg"),
        ("/large.gif", "gif"),
    ):
        line = ann.http.get(public["url"] + rendering).headers["content-disposition"]
        assert line.endswith(f"filename*=UTF-8''open.{ending}")


def test_what_becomes_private_is_private_at_once(ann, anyone, dot):
    image = ann.upload(dot, visibility="public")
    urls = [image["url"], image["thumbnailUrl"], f"{image['url']}/metadata"]
    etags = [anyone.get(url).headers.get("etag", '"x"') for url in urls]

    expect(ann.http.patch(f"/v1/images/{image['imageId']}", json={"visibility": "private"}), 200)

    for url, etag in zip(urls, etags, strict=True):
        refused(anyone.get(url), 403, "forbidden")
        refused(anyone.get(url, headers={"If-None-Match": etag}), 403, "forbidden")
        assert anyone.get(url, headers={"Range": "bytes=0-0"}).status_code == 403
