"""No string is an accident, wherever it is put; what is accepted comes back as it was sent."""

import unicodedata
from urllib.parse import quote

import pytest

from api.reading import file_name
from tests.api.nasty import LONE_SURROGATES, NASTY, RAW
from tests.people import PASSWORD, Person, expect, refused

PARAMETERS = [
    *("q", "tag", "user", "cursor", "from", "to", "limit", "page", "minWidth", "format"),
    *("takenFrom", "takenTo", "period"),
    *("visibility", "status", "sort", "custom.camera", "shared", "org"),
]
BODIES = {
    "PATCH /v1/images/{id}": {"title": "x", "description": "x"},
    "POST /v1/images/{id}/share": {"sharedWith": "x@example.org"},
    "POST /v1/images/{id}/signed-url": {"variant": "thumb"},
    "PATCH /v1/me": {"username": "nasty", "defaultVisibility": "private"},
    "POST /v1/uploads": {"filename": "x", "size": 1, "contentType": "a/b", "sha256": "0" * 64},
    "POST /v1/images": {"uploadId": "upl_x"},
    "POST /v1/albums": {"title": "x", "description": "x", "parentId": "x", "teamId": "x"},
    "POST /v1/orgs": {"name": "x"},
    "POST /v1/invitations/accept": {"token": "x"},
    "POST /v1/auth/signup": {"username": "nasty", "email": "nasty@x.example", "password": PASSWORD},
    "POST /v1/auth/login": {"email": "nasty@x.example", "password": PASSWORD},
    "POST /v1/auth/refresh": {"refreshToken": "x"},
    "POST /v1/auth/logout": {"refreshToken": "x"},
}
"""What each call takes; every text of it is replaced in turn."""


@pytest.fixture(scope="module")
def owner(service):
    return Person(service, "nasty")


@pytest.fixture(scope="module")
def image(owner, dot):
    return owner.upload(dot, "nasty.png", visibility="public")


def same(text: str) -> str:
    return unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("text", NASTY, ids=lambda text: ascii(text)[:30])
def test_what_people_write_comes_back_or_is_refused(owner, anyone, image, text):
    path = f"/v1/images/{image['imageId']}"
    said = {"title": text[:300], "description": text, "tags": [text[:64]], "custom": {"k": text}}
    accepted = {}
    for field, value in said.items():
        answer = owner.http.patch(path, json={field: value})
        if answer.status_code != 200:
            problem = refused(answer, 422, "validation")
            assert [error["field"] for error in problem["errors"]] == [field]
            continue
        accepted[field] = answer.json()[field]

    assert accepted.get("title", same(text[:300])) == same(text[:300])
    assert accepted.get("description", same(text)) == same(text)
    assert accepted.get("custom", {"k": same(text)}) == {"k": same(text)}
    for tag in accepted.get("tags", ()):
        found = expect(anyone.get("/v1/images", params={"tag": text[:64]}), 200)
        assert (tag, image["imageId"]) == (same(tag), found["images"][0]["imageId"])
    if "custom" in accepted and text:
        found = expect(anyone.get("/v1/images", params={"custom.k": text}), 200)
        assert [picture["imageId"] for picture in found["images"]] == [image["imageId"]]
    shown = expect(anyone.get("/v1/search", params={"q": text[:500]}), 200)
    assert all("<" not in _bare(marked) for hit in shown["images"] for marked in _marked(hit))


def _marked(hit):
    return hit["highlights"].values()


def _bare(marked: str) -> str:
    return marked.replace("<mark>", "").replace("</mark>", "")


def test_names_of_albums_and_organizations_come_back_or_are_refused(service):
    person = Person(service, "namer")
    album = expect(person.http.post("/v1/albums", json={"title": "x"}), 201)["albumId"]
    firm = expect(person.http.post("/v1/orgs", json={"name": "x"}), 201)["orgId"]
    for text in NASTY:
        name = text[:300]
        for path, field in ((f"/v1/albums/{album}", "title"), (f"/v1/orgs/{firm}", "name")):
            answer = person.http.patch(path, json={field: name})
            if answer.status_code != 200:
                problem = refused(answer, 422, "validation")
                assert [error["field"] for error in problem["errors"]] == [field]
                continue
            assert expect(person.http.get(path), 200)[field] == same(name)


@pytest.mark.parametrize("text", [text for text in NASTY if text], ids=lambda t: ascii(t)[:30])
def test_a_file_name_is_one_line_without_a_path(text):
    name = file_name(text)

    assert 0 < len(name) <= 255
    assert not any(unicodedata.category(c) == "Cc" or c in "/\\\u202e\u2066\u2028" for c in name)
    assert file_name(name) == name


@pytest.mark.parametrize("name", PARAMETERS)
def test_no_query_is_an_accident(owner, name):
    path = "/v1/search" if name == "q" else "/v1/images"
    for text in NASTY:
        answer = owner.http.get(path, params={name: text})
        assert answer.status_code in (200, 422), (text, answer.text)
        if answer.status_code == 422:
            problem = refused(answer, 422, "validation")
            assert {error["field"] for error in problem["errors"]} == {name}


@pytest.mark.parametrize("raw", [*RAW, "&&==&", "a" * 20_000, "&".join(["tag=x"] * 500)])
def test_no_bytes_of_a_url_are_an_accident(owner, image, raw):
    for name in PARAMETERS:
        assert owner.http.get(f"/v1/images?{name}={raw}").status_code in (200, 422)
    for query in (f"sig={raw}", f"share={raw}&sig=x&kid=1&exp=1", f"download={raw}"):
        answer = owner.http.get(f"/images/{image['imageId']}?{query}")
        assert answer.status_code in (200, 403), (query, answer.text)


@pytest.mark.parametrize("raw", [*RAW, *(quote(text, safe="") for text in NASTY if text)])
def test_no_path_is_an_accident(owner, image, raw):
    for before in ("/v1/images/", "/images/", "/v1/users/", f"/images/{image['imageId']}/"):
        for after in ("", "/thumb.webp"):
            answer = owner.http.get(before + raw + after)
            assert answer.status_code < 500, (before + raw + after, answer.text)


@pytest.mark.parametrize("escape", LONE_SURROGATES)
@pytest.mark.parametrize("call", BODIES)
def test_half_a_character_is_no_json(owner, image, call, escape):
    method, _, path = call.partition(" ")
    path = path.format(id=image["imageId"])
    for field in BODIES[call]:
        body = f'{{"{field}": "{escape}"}}'
        refused(owner.http.request(method, path, content=body), 400, "malformed")
    for body in (f'{{"tags": ["{escape}"]}}', f'{{"custom": {{"{escape}": "{escape}"}}}}'):
        refused(owner.http.request(method, path, content=body), 400, "malformed")


@pytest.mark.parametrize("call", list(BODIES)[1:])
def test_no_text_is_an_accident(anyone, image, call, owner):
    method, _, path = call.partition(" ")
    path = path.format(id=image["imageId"])
    http = anyone if "/auth/" in path else owner.http
    for field in BODIES[call]:
        for text in NASTY[::2]:
            answer = http.request(method, path, json=BODIES[call] | {field: text})
            assert answer.status_code < 500, (field, text, answer.text)


@pytest.mark.parametrize(
    "name",
    [
        *("Authorization", "If-Match", "If-None-Match", "If-Range", "If-Modified-Since"),
        *("Range", "Accept", "Content-Type", "Darkroom-Min-Position", "Origin", "Cookie"),
    ],
)
def test_no_header_is_an_accident(owner, image, name):
    values = [
        b"\xff\xfe",
        b"9" * 5000,
        b"-1",
        b"bytes=-",
        b'"',
        b"W/",
        b",,;;==",
        b"\xb2\xb9",
        b"*",
    ]
    for value in values:
        for method, path in (("GET", image["url"]), ("PATCH", f"/v1/images/{image['imageId']}")):
            body = b"{}" if method == "PATCH" else None
            answer = owner.http.request(method, path, headers={name: value}, content=body)
            assert answer.status_code < 500, (name, value, answer.text)
