"""Parts of a picture, byte for byte (RFC 9110, 14)."""

import email.parser
import email.policy

import pytest

from tests.people import refused, sample

PHOTO = "valid/sharp__with-alpha.png"


@pytest.fixture(scope="module")
def whole():
    return sample(PHOTO)


@pytest.fixture(scope="module")
def picture(ann, whole):
    return ann.developed(ann.upload(whole, "long.png", visibility="public"))


@pytest.fixture(scope="module", params=["", "/thumb.webp"])
def url(request, picture):
    """From the object store, and from memory."""
    return picture["url"] + request.param


def ranged(http, url, value, **headers):
    return http.get(url, headers={"Range": value} | headers)


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=10-10", 10, 11),
        ("bytes=100-", 100, None),
        ("bytes=-1", -1, None),
        ("bytes=-100", -100, None),
        ("bytes=0-", 0, None),
        ("bytes=0-99999999999", 0, None),
        ("bytes=-99999999999", 0, None),
        ("bytes = 5-9", 5, 10),
        ("Bytes=5-9", 5, 10),
        ("bytes=5-9,", 5, 10),
    ],
)
def test_one_range_is_exactly_these_bytes(anyone, url, asked, start, stop):
    body = anyone.get(url).content
    expected = body[start:stop]

    answer = ranged(anyone, url, asked)

    assert answer.status_code == 206
    assert answer.content == expected
    first = start if start >= 0 else len(body) + start
    last = first + len(expected) - 1
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(body)}"
    assert answer.headers["content-length"] == str(len(expected))
    head = anyone.head(url, headers={"Range": asked})
    assert (head.status_code, head.content) == (206, b"")
    for name in ("content-range", "content-length", "content-type", "etag"):
        assert head.headers[name] == answer.headers[name]


@pytest.mark.parametrize(
    "asked",
    ["bytes=0-0,5-9", "bytes=0-4, 10-14 ,-5", "bytes=50-59,0-9", "bytes=0-9,999999999-"],
)
def test_many_ranges_come_in_parts(anyone, url, asked):
    body = anyone.get(url).content
    kind = anyone.get(url).headers["content-type"]

    answer = ranged(anyone, url, asked)

    assert answer.status_code == 206
    assert answer.headers["content-length"] == str(len(answer.content))
    spans = []
    if answer.headers["content-type"].startswith("multipart/byteranges"):
        for part in parts(answer):
            assert part.get_content_type() == kind
            first, last = _span(part["content-range"], len(body))
            assert part.get_payload(decode=True) == body[first : last + 1]
            spans.append((first, last))
    else:
        first, last = _span(answer.headers["content-range"], len(body))
        assert answer.content == body[first : last + 1]
        spans.append((first, last))
    wanted = [text.strip() for text in asked.removeprefix("bytes=").split(",")]
    assert spans == [_wanted(text, len(body)) for text in wanted if not text.startswith("99999")], (
        "in the order they were asked for"
    )


def parts(answer):
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + answer.content)
    return message.get_payload()


def _span(line, size):
    unit, _, rest = line.partition(" ")
    span, _, total = rest.partition("/")
    assert (unit, int(total)) == ("bytes", size)
    first, last = span.split("-")
    return int(first), int(last)


def _wanted(text, size):
    first, _, last = text.partition("-")
    return (size - int(last), size - 1) if not first else (int(first), int(last))


@pytest.mark.parametrize("asked", ["bytes=999999999-", "bytes=999999999-9999999999", "bytes=-0"])
def test_what_is_not_there_is_416(anyone, url, asked):
    size = len(anyone.get(url).content)

    answer = ranged(anyone, url, asked)

    assert refused(answer, 416, "range_not_satisfiable")["sizeBytes"] == size
    assert answer.headers["content-range"] == f"bytes */{size}"


@pytest.mark.parametrize(
    "asked",
    [
        *("", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=9-5", "bytes=0-5-9", "lines=1-2"),
        *("bytes=0-0,x", "bytes=" + ",".join(["0-0"] * 9), "bytes=0-,0-", "bytes=0-,1-,2-,3-"),
        f"bytes={'9' * 30}-",
    ],
)
def test_a_range_that_is_none_or_asks_too_much_gets_the_whole(anyone, url, asked):
    answer = ranged(anyone, url, asked)

    assert answer.status_code == 200
    assert answer.content == anyone.get(url).content


def test_a_range_counts_only_while_nothing_has_changed(anyone, url):
    whole = anyone.get(url)
    etag, modified = whole.headers["etag"], whole.headers["last-modified"]

    for same in (etag, modified):
        assert ranged(anyone, url, "bytes=0-9", **{"If-Range": same}).status_code == 206
    for other in ('"other"', f"W/{etag}", "Thu, 01 Jan 1970 00:00:00 GMT", "nonsense", ""):
        answer = ranged(anyone, url, "bytes=0-9", **{"If-Range": other})
        assert (answer.status_code, answer.content) == (200, whole.content), other
    answer = ranged(anyone, url, "bytes=0-9", **{"If-None-Match": etag})
    assert answer.status_code == 304


def test_what_must_not_have_changed_is_refused_once_it_has(anyone, url):
    whole = anyone.get(url)
    etag, modified = whole.headers["etag"], whole.headers["last-modified"]
    before = "Thu, 01 Jan 1970 00:00:00 GMT"

    for right in (
        *({"If-Match": etag}, {"If-Match": f'"other", {etag}'}, {"If-Match": "*"}),
        *({"If-Unmodified-Since": modified}, {"If-Unmodified-Since": "nonsense"}),
        {"If-Match": etag, "If-Unmodified-Since": before},
    ):
        assert anyone.get(url, headers=right).content == whole.content, right
    for wrong in ('"other"', f"W/{etag}"):
        refused(anyone.get(url, headers={"If-Match": wrong}), 412, "precondition_failed")
    answer = anyone.get(url, headers={"If-Unmodified-Since": before})
    refused(answer, 412, "precondition_failed")
    assert anyone.head(url, headers={"If-Match": '"other"'}).status_code == 412


def test_a_broken_download_goes_on_where_it_broke(anyone, url):
    whole = anyone.get(url)
    got, etag = b"", whole.headers["etag"]
    while len(got) < len(whole.content):
        step = max(len(whole.content) // 5, 1)
        asked = f"bytes={len(got)}-{len(got) + step - 1}"
        answer = ranged(anyone, url, asked, **{"If-Range": etag})
        assert answer.status_code == 206
        got += answer.content

    assert got == whole.content


def test_the_original_is_what_was_uploaded(anyone, picture, whole):
    assert anyone.get(picture["url"]).content == whole
