"""Lists that are short are pages of `limit`, too, with a total and a cursor to go on by."""

import pytest

from api.queries import SHORT
from tests.api.test_idempotency import HOOK
from tests.api.test_organizations import assign, found_organization, invited, join, new_team
from tests.people import Person, expect, refused

VIEW = {"permissions": ["view"]}


@pytest.fixture(scope="module")
def owner(service) -> Person:
    return Person(service, "lister")


@pytest.fixture(scope="module")
def guests(service) -> list[Person]:
    return [Person(service, f"guest{number}") for number in range(3)]


@pytest.fixture(scope="module")
def lists(owner, guests, dot, service) -> dict[str, str]:
    """The path of each list, with three things in it at least."""
    post, put = owner.http.post, owner.http.put
    image = owner.upload(dot)["imageId"]
    album = expect(post("/v1/albums", json={"title": "Lent"}), 201)["albumId"]
    firms = [found_organization(owner) for _ in range(3)]
    for number, guest in enumerate(guests):
        owner.sign_in()
        expect(post("/v1/api-keys", json={"name": "k", "scopes": ["read"]}), 201)
        expect(post("/v1/upload-tokens", json={"number": 1, "expiresIn": 60}), 201)
        expect(post("/v1/webhooks", json=HOOK), 201)
        expect(put(f"/v1/me/presets/p{number}", json={"ops": "w_64"}), 200)
        for lent in (f"/v1/images/{image}", f"/v1/albums/{album}"):
            expect(post(f"{lent}/share", json=VIEW), 201)
            expect(put(f"{lent}/collaborators/{guest.id}", json=VIEW), 200)
        join(firms[0], owner, guest)
        invited(firms[0], owner, f"stranger{number}@example.org")
    teams = [new_team(owner, firms[0]) for _ in guests]
    for guest in guests:
        assign(owner, teams[0], guest, "viewer")
    for firm in [found_organization(guests[0]) for _ in range(3)]:
        invited(firm, guests[0], owner.email)
    ids = {"images": image, "albums": album, "orgs": firms[0]["orgId"]}
    ids["teams"] = teams[0]["teamId"]
    return {it: it.replace("{id}", ids.get(it.split("/")[2], "")) for it in SHORT}


@pytest.mark.parametrize("path", SHORT)
def test_pages_and_cursors_give_the_whole_list_once(owner, lists, path):
    def page(**asked):
        return expect(owner.http.get(lists[path], params=asked), 200)

    whole = page()
    (name,) = whole.keys() - {"page", "limit", "total", "nextCursor"}
    rows = whole[name]
    assert len(rows) >= 3
    assert whole == {name: rows, "page": 1, "limit": 20, "total": len(rows), "nextCursor": None}

    followed, cursor = [], {}
    while cursor is not None:
        part = page(limit=2, **cursor)
        followed += part[name]
        cursor = {"cursor": part["nextCursor"]} if part["nextCursor"] else None
    assert followed == rows
    second = page(limit=2, page=2)
    assert (second[name], second["page"], second["total"]) == (rows[2:4], 2, len(rows))
    assert page(limit=2, page=100)[name] == []
    for wrong in ({"limit": 0}, {"limit": 101}, {"page": 0}, {"cursor": "\N{SNOWMAN}"}):
        problem = refused(owner.http.get(lists[path], params=wrong), 422, "validation")
        assert {it["field"] for it in problem["errors"]} == wrong.keys()


def test_a_cursor_goes_on_behind_what_is_no_longer_there(service):
    owner = Person(service, "mover")
    for number in range(4):
        expect(owner.http.put(f"/v1/me/presets/p{number}", json={"ops": "w_64"}), 200)
    first = expect(owner.http.get("/v1/me/presets", params={"limit": 2}), 200)
    for gone in ("p0", "p1"):
        assert owner.http.delete(f"/v1/me/presets/{gone}").status_code == 204

    asked = {"limit": 2, "cursor": first["nextCursor"]}
    rest = expect(owner.http.get("/v1/me/presets", params=asked), 200)

    assert [it["name"] for it in rest["presets"]] == ["p2", "p3"]
    assert rest["total"] == 2
