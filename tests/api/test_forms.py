"""multipart/form-data: one file or many, with fields, as browsers and curl send it."""

import pytest

from tests.people import expect, refused, sample

MALFORMED = {
    "no boundary": ("multipart/form-data", b"--b\r\n"),
    "a boundary of 300": (f"multipart/form-data; boundary={'x' * 300}", b"--b\r\n"),
    "another boundary": ("multipart/form-data; boundary=c", b"--b\r\n\r\n--b--\r\n"),
    "words": ("multipart/form-data; boundary=b", b"hello"),
    "nothing": ("multipart/form-data; boundary=b", b""),
    "no end": ("multipart/form-data; boundary=b", b"--b\r\nA: b\r\n\r\nhalf a file"),
    "a bad header": ("multipart/form-data; boundary=b", b"--b\r\nA B\r\n\r\n\r\n--b--\r\n"),
    "a field of 70 kB": (
        "multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\n'
        + b"a" * 70_000
        + b"\r\n--b--\r\n",
    ),
}


def posted(person, *files, **fields):
    return person.http.post("/v1/images", files=[("file", file) for file in files], data=fields)


def test_one_file_with_every_field(ann, dot):
    answer = posted(
        ann,
        ("lake.png", dot, "image/png"),
        title="A lake",
        description="Blue.",
        tags=["water, summer", "blue"],
        visibility="unlisted",
        custom='{"camera": "X", "lens": "50"}',
        **{"custom.camera": "Y"},
    )

    image = expect(answer, 201)
    assert answer.headers["location"] == f"/v1/images/{image['imageId']}"
    shown = expect(ann.http.get(answer.headers["location"]), 200)
    assert (shown["title"], shown["description"]) == ("A lake", "Blue.")
    assert shown["tags"] == ["water", "summer", "blue"]
    assert shown["custom"] == {"camera": "Y", "lens": "50"}
    assert (shown["visibility"], shown["filename"]) == ("unlisted", "lake.png")
    assert ann.http.get(shown["url"]).content == dot


@pytest.mark.parametrize("name", ["tags", "tags[]"])
def test_tags_come_repeated_or_with_commas_and_once_each(ann, dot, name):
    image = expect(posted(ann, ("a.png", dot), **{name: ["a,b", " c ", "", "a", ",,"]}), 201)

    assert image["tags"] == ["a", "b", "c"]


def test_tags_may_be_a_json_list_and_what_only_looks_like_one_is_none(ann, dot):
    image = expect(posted(ann, ("a.png", dot), tags=['["x, y", "b"]', "[c],d", "[1]"]), 201)

    assert image["tags"] == ["x, y", "b", "[c]", "d", "[1]"]


def test_many_files_are_answered_in_order_each_for_itself(ann, dot):
    answer = posted(
        ann, ("1.png", dot), ("2.txt", b"no picture"), ("3.png", dot), ("4.png", b""), tags="many"
    )

    results = expect(answer, 201)["results"]
    assert [result["status"] for result in results] == [201, 415, 201, 415]
    assert [results[at]["image"]["filename"] for at in (0, 2)] == ["1.png", "3.png"]
    assert all(results[at]["image"]["tags"] == ["many"] for at in (0, 2))
    assert results[1]["error"]["code"] == "unsupported_format"
    assert {"type", "title", "status", "detail"} <= set(results[1]["error"])
    assert int(answer.headers["darkroom-position"]) > 0


def test_the_fields_name_is_no_matter(ann, dot):
    for field in ("image", "upload", ""):
        expect(ann.http.post("/v1/images", files={field: ("a.png", dot)}), 201)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\\\Users\\\\ann\\\\me.png", "me.png"),
        ("\u202egnp.exe", "gnp.exe"),
        ("fête 日本 💥.png", "fête 日本 💥.png"),
        ("fe\u0302te.png", "fête.png"),
        ("a\tb.png", "ab.png"),
        ("  spaced.png  ", "spaced.png"),
        ("///", "image"),
        ("", "image"),
    ],
)
def test_a_name_is_cleaned_on_its_way_in(ann, dot, sent, kept):
    body = (
        f'--b\r\nContent-Disposition: form-data; name="file"; filename="{sent}"\r\n\r\n'.encode()
        + dot
        + b"\r\n--b--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=b"}

    image = expect(ann.http.post("/v1/images", content=body, headers=headers), 201)

    assert image["filename"] == kept


def test_a_name_says_nothing_of_what_is_in_it(ann):
    image = expect(posted(ann, ("picture.txt", sample("exif/test-assets__picasa.jpg"))), 201)

    assert (image["format"], image["contentType"]) == ("jpeg", "image/jpeg")


@pytest.mark.parametrize(("kind", "body"), MALFORMED.values(), ids=MALFORMED)
def test_a_form_that_is_none_is_400(ann, kind, body):
    answer = ann.http.post("/v1/images", content=body, headers={"Content-Type": kind})

    refused(answer, 400, "malformed")


def test_a_form_without_a_file_says_so(ann):
    answer = ann.http.post("/v1/images", files={"title": (None, "no file")})

    problem = refused(answer, 422, "validation")
    assert problem["errors"] == [{"field": "file", "message": "is missing"}]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        (
            {"title": "t" * 301, "visibility": "secret", "owner": "me"},
            {"title", "visibility", "owner"},
        ),
        ({"title": "a\0b", "tags": "\x1b"}, {"title", "tags"}),
        ({"custom": "[1]", "custom.a": "1"}, {"custom"}),
        ({"custom": "{"}, {"custom"}),
        ({"custom": "[" * 60_000}, {"custom"}),
        ({"custom": '{"a": 1}'}, {"custom"}),
        ({"custom.": "no key"}, {"custom"}),
        ({"tags": ["t" * 65]}, {"tags"}),
        ({"tags": [f"t{number}" for number in range(51)]}, {"tags"}),
    ],
)
def test_a_bad_field_is_named_and_no_byte_is_kept(ann, dot, fields, wrong):
    before = ann.taken

    problem = refused(posted(ann, ("a.png", dot), **fields), 422, "validation")

    assert {error["field"] for error in problem["errors"]} == wrong
    assert ann.taken == before


def test_a_file_beyond_64_mb_is_refused_with_the_figures(ann):
    limit = 64 * 1024**2

    problem = refused(posted(ann, ("zeros.png", bytes(limit + 1))), 413, "file_too_large")

    assert (problem["limitBytes"], problem["requestedBytes"]) == (limit, limit + 1)


def test_one_file_too_large_does_not_spoil_the_others(ann, dot):
    answer = posted(ann, ("zeros.png", bytes(64 * 1024**2 + 1)), ("fine.png", dot))

    assert [result["status"] for result in expect(answer, 201)["results"]] == [413, 201]


def test_more_than_100_files_are_a_batch_too_large(ann):
    problem = refused(posted(ann, *[("a.png", b"x")] * 101), 413, "batch_too_large")

    assert problem["limit"] == 100


def test_nobody_uploads_without_an_account(anyone, dot):
    refused(anyone.post("/v1/images", files={"file": ("a.png", dot)}), 401, "unauthenticated")
