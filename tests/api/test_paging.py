"""Pages and cursors: everything once, in one order, at any depth."""

import base64
import json

import pytest

from tests.people import Person, expect, refused

TITLES = [
    *("Zebra", "apple", "Apple", "", "", "Éclair", "éclair", "\u0130stanbul", "Izmir", "izmir"),
    *("istanbul 2", "ßa", "ssa", "日本", "💥", "a" * 300, "'quoted\"", "\\", "10", "9", "ǅ", "ﬁ"),
]
SORTS = ["newest", "oldest", "largest", "most_viewed", "title"]


@pytest.fixture(scope="module")
def owner(service, dot):
    person = Person(service, "pager")
    files = [("file", (f"{number}.png", dot)) for number in range(len(TITLES))]
    made = expect(person.http.post("/v1/images", files=files), 201)["results"]
    for result, title in zip(made, TITLES, strict=True):
        path = f"/v1/images/{result['image']['imageId']}"
        expect(person.http.patch(path, json={"title": title}), 200)
    return person


def page(person, **asked):
    return expect(person.http.get("/v1/images", params={"user": person.id} | asked), 200)


def ids(page):
    return [image["imageId"] for image in page["images"]]


def followed(person, **asked):
    """Every page from the first cursor to the last."""
    pages = [page(person, **asked)]
    while cursor := pages[-1]["nextCursor"]:
        pages.append(page(person, cursor=cursor, **asked))
        assert len(pages) <= len(TITLES) + 1, "a cursor that leads in a circle"
    return pages


@pytest.mark.parametrize("limit", [1, 7, 21, 22, 23])
@pytest.mark.parametrize("sort", SORTS)
def test_cursors_and_pages_give_the_whole_list_once(owner, sort, limit):
    whole = ids(page(owner, sort=sort, limit=100))
    assert len(set(whole)) == len(whole) == len(TITLES)

    pages = followed(owner, sort=sort, limit=limit)

    assert [id for one in pages for id in ids(one)] == whole
    assert all(one["total"] == len(TITLES) for one in pages)
    assert all(len(one["images"]) == limit for one in pages[:-1])
    numbered = [page(owner, sort=sort, limit=limit, page=n + 1) for n in range(len(pages))]
    assert [ids(one) for one in numbered] == [ids(one) for one in pages]
    beyond = page(owner, sort=sort, limit=limit, page=len(pages) + 1)
    assert (beyond["images"], beyond["nextCursor"]) == ([], None)


def test_a_cursor_stays_where_it_is_while_the_list_grows(owner, dot):
    first = page(owner, limit=5)
    rest = ids(page(owner, limit=100))[5:]
    added = owner.upload(dot)

    following = page(owner, limit=100, cursor=first["nextCursor"])

    assert ids(following) == rest
    expect(owner.http.delete(f"/v1/images/{added['imageId']}"), 200)


def test_a_page_says_where_it_is(owner):
    assert page(owner)["limit"] == 20
    assert page(owner)["page"] == 1
    second = page(owner, page=2, limit=3)
    assert (second["page"], second["limit"], len(second["images"])) == (2, 3, 3)


def test_a_cursor_works_for_its_own_sort_only(owner):
    cursor = page(owner, sort="title", limit=2)["nextCursor"]

    answer = owner.http.get("/v1/images", params={"sort": "oldest", "cursor": cursor})

    problem = refused(answer, 422, "validation")
    assert problem["errors"] == [{"field": "cursor", "message": "belongs to another sort"}]


ID = "00000000-0000-0000-0000-000000000000"
FORGED = [
    b"",
    b"x",
    b"\xff\xfe",
    b"null",
    b"[]",
    b"{}",
    b'["newest"]',
    b"[" * 700,
    *(
        json.dumps(parts).encode()
        for parts in (
            ["newest", "yesterday", ID],
            ["newest", "2026-01-01T00:00:00", ID],
            ["newest", 5, ID],
            ["newest", None, ID],
            ["newest", "2026-01-01T00:00:00Z", "x"],
            ["newest", "2026-01-01T00:00:00Z", "'; drop table gallery.images --"],
            ["best", "2026-01-01T00:00:00Z", ID],
            ["largest", "5", ID],
            ["largest", 2**63, ID],
            ["largest", -1, ID],
            ["largest", 1.5, ID],
            ["title", "a\0b", ID],
            ["title", ["a"], ID],
            ["title", {"a": "b"}, ID],
        )
    ),
]


@pytest.mark.parametrize("raw", FORGED, ids=lambda raw: ascii(raw)[:40])
def test_a_cursor_that_is_not_ours_is_422(anyone, raw):
    forged = base64.urlsafe_b64encode(raw).decode()
    sort = json.loads(raw)[0] if raw.startswith(b'["') else "newest"
    for cursor in (forged, forged.rstrip("="), f"{forged}!", f"é{forged}"):
        if not cursor:
            continue
        asked = {"cursor": cursor, "sort": sort if sort in SORTS else "newest"}
        problem = refused(anyone.get("/v1/images", params=asked), 422, "validation")
        assert [error["field"] for error in problem["errors"]] == ["cursor"]


def test_no_letter_of_a_cursor_is_an_accident(owner):
    for sort in SORTS:
        cursor = page(owner, sort=sort, limit=2)["nextCursor"]
        for at in range(0, len(cursor), 3):
            touched = cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :]
            answer = owner.http.get("/v1/images", params={"cursor": touched, "sort": sort})
            assert answer.status_code in (200, 422), touched
