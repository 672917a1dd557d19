"""Two tenants with the same titles, tags and albums: nothing of one in any answer to the other."""

from typing import Any

import httpx
import msgspec
import pytest

from tests.api.test_albums import new_album
from tests.api.test_organizations import assign, found_organization, invited, join, new_team
from tests.people import Person, expect
from tests.subscriber import subscribe

LISTS: dict[str, list[dict[str, Any]]] = {
    "/v1/images": [
        *({}, {"tag": "bird"}, {"q": "seidenschwanz"}, {"shared": "true"}, {"status": "deleted"}),
        *({"visibility": "private"}, {"visibility": "unlisted"}, {"custom.lens": "50"}),
        *({"sort": sort} for sort in ("oldest", "title", "largest", "most_viewed")),
    ],
    "/images": [{}],
    "/v1/search": [{"q": "seidenschwanz"}, {"q": "bird"}, {"q": "waxwing"}],
    "/v1/albums": [{}, {"shared": "true"}, {"sort": "title"}],
    "/v1/orgs": [{}],
    "/v1/invitations": [{}],
    "/v1/me": [{}],
    "/v1/me/usage": [{}],
    "/v1/me/history": [{}],
    "/v1/me/export": [{}],
    "/v1/reports/usage": [{}],
    "/v1/me/sessions": [{}],
    "/v1/me/presets": [{}],
    "/v1/api-keys": [{}],
    "/v1/upload-tokens": [{}],
    "/v1/notifications": [{}],
    "/v1/webhooks": [{}],
}
"""What is asked without an id. The feed has a test of its own."""
OTHERS = {
    *("/health/live", "/health/ready", "/metrics", "/.well-known/jwks.json", "/v1/events"),
    *("/schema/events.json", "/v1/sharex.sxcu", "/v1/receipts/{id}", "/v1/uploads/{id}"),
    *("/v1/admin/audit", "/v1/admin/projections", "/v1/admin/users", "/v1/auth/oidc"),
    *("/v1/admin/quarantine", "/v1/admin/quarantine/{id}/file"),
    *("/v1/admin/reports", "/v1/admin/blocklist", "/v1/admin/quotas", "/v1/admin/parked-events"),
    "/v1/admin/legal-holds",
    *("/.well-known/oauth-authorization-server", "/v1/me/presets/{name}", "/oembed"),
}
"""What shows nothing of anybody, what only its holder's key opens, and what has another test."""
IGNORED = {("album", "/v1/albums"), ("parent", "/v1/images"), ("parent", "/images")}
"""Filters that a list does not have."""


class Tenant(msgspec.Struct, kw_only=True):
    owner: Person
    member: Person
    ids: dict[str, str]
    """By the part of a path that they stand for, or else by what they are."""

    @property
    def marks(self) -> set[str]:
        """Whatever no answer to anybody else may hold."""
        return {*self.ids.values(), self.owner.name, self.member.name, self.owner.email}


def tenant(service, dot) -> Tenant:
    owner, member, asked = (Person(service, name) for name in ("same", "alike", "asked"))
    firm = found_organization(owner, "Firm")
    join(firm, owner, member)
    invitation = invited(firm, owner, asked.email)
    team = new_team(owner, firm, "Birds")
    assign(owner, team, member, "uploader")
    album = new_album(owner, "Summer", teamId=team["teamId"])
    said = {"title": "Seidenschwanz", "tags": ["bird"], "custom": {"lens": "50"}}
    image = member.upload(dot, "waxwing.png", albumId=album["albumId"], **said)
    own = owner.upload(dot, "waxwing.png", visibility="unlisted", **said)
    gone = owner.upload(dot, "waxwing.png", **said)
    expect(owner.http.delete(f"/v1/images/{gone['imageId']}"), 200)
    private = new_album(owner, "Summer")
    robot = {"name": "Robot", "scopes": ["read"]}
    key = expect(owner.http.post("/v1/api-keys", json=robot), 201)
    token = expect(owner.http.post("/v1/upload-tokens", json={"number": 1}), 201)
    hook = {"url": f"https://{service.port}.invalid/{owner.name}", "types": ["claim"]}
    webhook = expect(owner.http.post("/v1/webhooks", json=hook), 201)
    expect(owner.http.post(f"/v1/images/{own['imageId']}/share", json={}), 201)
    preset = f"hero-{owner.name}"
    expect(owner.http.put(f"/v1/me/presets/{preset}", json={"ops": "w_64"}), 200)
    return Tenant(
        owner=owner,
        member=member,
        ids={
            "orgs": firm["orgId"],
            "teams": team["teamId"],
            "albums": album["albumId"],
            "images": image["imageId"],
            "users": owner.id,
            "invitations": invitation["invitationId"],
            "own": own["imageId"],
            "gone": gone["imageId"],
            "private": private["albumId"],
            "member": member.id,
            "key": key["keyId"],
            "token": token["tokenId"],
            "preset": preset,
            "webhooks": webhook["webhookId"],
        },
    )


@pytest.fixture(scope="module")
def tenants(service, dot):
    return tenant(service, dot), tenant(service, dot)


@pytest.fixture(scope="module")
def paths(anyone):
    found = expect(anyone.get("/schema/openapi.json"), 200)["paths"]
    return [path for path, item in found.items() if "get" in item]


def both(tenants):
    """Each as the one who looks, and the other."""
    return tenants, tenants[::-1]


def test_every_route_is_looked_at(paths):
    with_ids = {path for path in paths if "{" in path}

    assert set(paths) == LISTS.keys() | OTHERS | with_ids


@pytest.mark.parametrize("path", LISTS)
def test_no_list_shows_anything_of_the_other(tenants, anyone, path):
    for mine, theirs in both(tenants):
        for asked in LISTS[path]:
            for http in (mine.owner.http, mine.member.http, anyone):
                answer = http.get(path, params=asked | {"limit": 100})
                assert answer.status_code in (200, 401), answer.text
                assert not [it for it in theirs.marks if it in answer.text], (path, asked)


def test_counts_and_facets_count_only_what_is_shown(tenants):
    for mine, _ in both(tenants):
        for person, number in ((mine.owner, 2), (mine.member, 1)):
            asked = {"q": "seidenschwanz", "limit": 100}
            found = expect(person.http.get("/v1/search", params=asked), 200)
            images = found["images"]
            assert len([it for it in images if it["imageId"] in mine.marks]) == number
            assert found["total"] == len(images)
            assert found["facets"]["tags"]["bird"] == sum("bird" in it["tags"] for it in images)


def test_no_filter_reaches_the_other(tenants, anyone):
    for mine, theirs in both(tenants):
        named = {
            "user": theirs.ids["users"],
            "org": theirs.ids["orgs"],
            "album": theirs.ids["albums"],
            "parent": theirs.ids["private"],
        }
        for path in ("/v1/images", "/v1/albums", "/images"):
            for name, id in named.items():
                for http in (mine.owner.http, mine.member.http, anyone):
                    answer = http.get(path, params={name: id})
                    nothing = answer.status_code == 404 or answer.json()["total"] == 0
                    assert nothing or (name, path) in IGNORED, (path, name, answer.text)
                    assert not [it for it in theirs.marks - {id} if it in answer.text]


def test_nothing_that_has_an_id_is_there_for_the_other(tenants, anyone, paths):
    for mine, theirs in both(tenants):
        more = {"images": [theirs.ids["gone"]], "albums": [theirs.ids["private"]]}
        for template in (it for it in paths if "{id}" in it and it not in OTHERS):
            if template.startswith("/v1/admin/"):
                continue  # for administrators alone: the matrix of authorization holds that
            kind = template.partition("/{id}")[0].rpartition("/")[2]
            kind = "images" if kind == "p" else kind
            for id in (theirs.ids[kind], *more.get(kind, ())):
                path = template.format(id=id, variant="thumb.webp", ops="w_64.webp")
                for http in (mine.owner.http, mine.member.http, anyone):
                    answer = http.get(path)
                    empty = kind == "users" and answer.json().get("total") == 0
                    assert empty or answer.status_code in (401, 403, 404), (path, answer.text)
                    assert not [it for it in theirs.marks - {id} if it in answer.text], path
                    assert "Seidenschwanz" not in answer.text


def test_nothing_is_written_to_what_is_the_others(tenants):
    for mine, theirs in both(tenants):
        ids, person = theirs.ids, mine.owner
        album = f"/v1/albums/{mine.ids['private']}"
        for method, path, body in (
            ("PUT", f"/v1/albums/{ids['albums']}/images/{mine.ids['own']}", None),
            ("PUT", f"{album}/images/{ids['images']}", None),
            ("PATCH", f"/v1/orgs/{ids['orgs']}", {"name": "x"}),
            ("PUT", f"/v1/teams/{ids['teams']}/members/{person.id}", {"role": "admin"}),
            ("POST", "/v1/albums", {"title": "x", "teamId": ids["teams"]}),
            ("POST", "/v1/albums", {"title": "x", "parentId": ids["private"]}),
            ("POST", f"/v1/invitations/{ids['invitations']}/accept", None),
            ("PATCH", album, {"coverId": ids["images"]}),
        ):
            answer = person.http.request(method, path, json=body)
            assert answer.status_code in (403, 404, 409), (method, path, answer.text)
            assert not [it for it in theirs.marks if it in answer.text and it not in path]


def test_the_feed_tells_nothing_of_the_other(tenants, anyone, dot):
    begin = expect(tenants[0].owner.http.get("/v1/me/history"), 200)["events"][0]["position"] - 1
    for mine, theirs in both(tenants):
        last = mine.owner.upload(dot, visibility="public")["imageId"]
        for http in (mine.owner.http, mine.member.http, anyone):
            seen = told(http, begin, last)
            assert not [it for it in theirs.marks if it in seen]
            if http is not anyone:
                assert mine.ids["images"] in seen
                assert mine.ids["albums"] in seen
                assert mine.ids["orgs"] in seen


def told(http: httpx.Client, begin: int, last: str) -> str:
    seen = ""
    for _, type, data in subscribe(http, begin):
        seen += str(data)
        if data["streamId"] == last and type == "image.cleared":
            break
    return seen
