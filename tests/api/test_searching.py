"""Search: it finds what was written, marks it harmlessly, and never what is not to be seen."""

import html
import re
import secrets

import pytest

from tests.people import Person, expect, refused

EVIL = "<script>alert(\"x\")</script> & <b onmouseover=x> 'quoted' &lt;mark&gt; &amp;"


@pytest.fixture(scope="module")
def word():
    """A word that nobody else writes."""
    return f"w{secrets.token_hex(6)}"


@pytest.fixture(scope="module")
def owner(service, dot, word):
    person = Person(service, "writer")
    person.images = {
        name: person.upload(dot, f"{name}-file.png", **{"visibility": "public"} | fields)["imageId"]
        for name, fields in {
            "title": {"title": f"The {word} at dawn", "tags": ["lake", "dawn"]},
            "tag": {"title": "Nothing", "tags": [word, "lake"]},
            "description": {"description": f"Far away\nfrom the {word}."},
            "evil": {
                "title": f"{EVIL} {word}",
                "description": f"{word} {EVIL}",
                "tags": [EVIL[:60]],
            },
            "private": {"title": f"{word} private", "visibility": "private", "tags": ["hidden"]},
            "unlisted": {"title": f"{word} unlisted", "visibility": "unlisted", "tags": ["hidden"]},
        }.items()
    }
    return person


def found(http, q, **asked):
    answer = expect(http.get("/v1/search", params={"q": q} | asked), 200)
    assert set(answer) == {"images", "facets", "page", "limit", "total", "totalExact", "nextCursor"}
    return answer


def names(owner, answer):
    known = {id: name for name, id in owner.images.items()}
    return [known[image["imageId"]] for image in answer["images"]]


def test_its_pages_lead_from_one_to_the_next(owner, anyone, word):
    every, cursor, seen = names(owner, found(anyone, word)), {}, []
    while cursor is not None:
        page = found(anyone, word, limit=3, **cursor)
        seen += names(owner, page)
        cursor = {"cursor": page["nextCursor"]} if page["nextCursor"] else None

    assert seen == every
    assert names(owner, found(anyone, word, limit=3, page=2)) == every[3:]
    refused(anyone.get("/v1/search", params={"q": word, "cursor": "x"}), 422, "validation")


def test_it_finds_a_word_wherever_it_was_written_the_title_first(owner, anyone, word):
    answer = found(anyone, word)

    assert sorted(names(owner, answer)) == ["description", "evil", "tag", "title"]
    assert answer["total"] == 4
    assert names(owner, answer)[-1] == "description"
    assert set(names(owner, found(owner.http, word))) == set(owner.images)


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("{word} dawn", ["title"]),
        ("DAWN {word}", ["title"]),
        ("{word} da", ["title"]),
        ('"the {word}" dawn', ["title"]),
        ('"{word} the"', []),
        ("title file {word}", ["title"]),
        ("{word} nowhere", []),
        ("{word} & | ! ( ) : * <->", ["description", "evil", "tag", "title"]),
        ("{word}' or 1=1 --", []),
        ("!{word}", ["description", "evil", "tag", "title"]),
    ],
)
def test_every_word_must_be_there_and_operators_are_none(owner, anyone, word, q, expected):
    assert sorted(names(owner, found(anyone, q.format(word=word)))) == expected


def test_anothers_private_and_unlisted_images_leave_no_trace(owner, anyone, ben, word):
    for http in (anyone, ben.http):
        for q in (word, "hidden", f"{word} private", f"{word} unlisted"):
            answer = found(http, q)
            assert not {"private", "unlisted"} & set(names(owner, answer))
            assert "hidden" not in answer["facets"].get("tags", {})
        assert found(http, f"{word} private")["total"] == 0
        assert found(http, f"{word} private")["facets"]["format"] == {}
    assert names(owner, found(owner.http, f"{word} private")) == ["private"]


def test_highlights_mark_the_words_and_nothing_but_text(owner, anyone, word):
    hits = dict(zip(names(owner, answer := found(anyone, word)), answer["images"], strict=True))

    assert hits["title"]["highlights"] == {"title": f"The <mark>{word}</mark> at dawn"}
    assert hits["tag"]["highlights"]["tags"] == f"<mark>{word}</mark> lake"
    evil = hits["evil"]["highlights"]
    assert set(evil) == {"title", "description"}
    for marked in evil.values():
        assert f"<mark>{word}</mark>" in marked
        bare = re.sub("</?mark>", "", marked)
        assert "<" not in bare
        assert ">" not in bare
        assert '"' not in bare
    said = html.unescape(re.sub("</?mark>", "", evil["title"]))
    assert said == f"{EVIL} {word}"


@pytest.mark.parametrize("q", ["amp", "lt", "gt", "quot", "mark", "script alert", "b onmouseover"])
def test_no_word_of_the_escaping_itself_is_marked(owner, anyone, word, q):
    for image in found(anyone, f"{word} {q}")["images"]:
        for marked in image["highlights"].values():
            assert not re.search("&[^;]*<mark>", marked), marked
            assert "<" not in re.sub("</?mark>", "", marked)


def test_facets_count_what_was_found(owner, anyone, word):
    facets = found(anyone, word)["facets"]

    assert set(facets) == {"tags", "format", "year"}
    assert facets["tags"]["lake"] == 2
    assert facets["format"] == {"png": 4}
    assert list(facets["year"].values()) == [4]
    assert re.fullmatch(r"20\d\d", next(iter(facets["year"])))
    assert found(anyone, word, limit=1)["facets"] == facets, "of all, not of the page"
    assert found(anyone, word)["totalExact"]


def test_pages(owner, anyone, word):
    whole = names(owner, found(anyone, word))

    pages = [found(anyone, word, limit=3, page=number) for number in (1, 2, 3)]

    assert [name for page in pages for name in names(owner, page)] == whole
    assert [page["total"] for page in pages] == [4, 4, 4]
    problem = refused(
        anyone.get("/v1/search", params={"q": "x" * 501, "limit": 101, "page": 0}),
        422,
        "validation",
    )
    assert {error["field"] for error in problem["errors"]} == {"q", "limit", "page"}


@pytest.mark.parametrize("q", ["", " ", "!", "...", '""', "\0"])
def test_no_words_find_nothing(anyone, q):
    answer = found(anyone, q)

    assert (answer["images"], answer["total"]) == ([], 0)


def test_what_is_rewritten_hidden_or_deleted_is_found_so_at_once(owner, anyone, dot, word):
    image = owner.upload(dot, title=f"{word}x first", visibility="public")
    path = f"/v1/images/{image['imageId']}"
    assert found(anyone, f"{word}x")["total"] == 1

    expect(owner.http.patch(path, json={"title": f"{word}y second"}), 200)
    assert (found(anyone, f"{word}x")["total"], found(anyone, f"{word}y")["total"]) == (0, 1)

    expect(owner.http.patch(path, json={"visibility": "private"}), 200)
    assert found(anyone, f"{word}y")["total"] == 0
    assert found(owner.http, f"{word}y")["total"] == 1

    expect(owner.http.delete(path), 200)
    assert found(owner.http, f"{word}y")["total"] == 0
    expect(owner.http.post(f"{path}/restore"), 200)
    assert found(owner.http, f"{word}y")["total"] == 1


def test_letters_in_pieces_are_the_same_letters(owner, anyone, dot, word):
    owner.upload(dot, title=f"caf\u00e9 {word}z", visibility="public")
    owner.upload(dot, title=f"cafe\u0301 {word}z", visibility="public")

    assert found(anyone, f"caf\u00e9 {word}z")["total"] == 2
    assert found(anyone, f"cafe\u0301 {word}z")["total"] == 2
