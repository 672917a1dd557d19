"""Links that lend: what they open, to whom, and that they end at once."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.people import Person, expect, refused


@pytest.fixture(scope="module")
def image(ann, dot):
    return ann.developed(ann.upload(dot, "lent.png", title="Lent"))


def shared(person, image, **asked):
    answer = person.http.post(f"/v1/images/{image['imageId']}/share", json=asked)
    return expect(answer, 201)


def query(share):
    return share["shareUrl"].partition("?")[2]


def routes(image):
    """Everywhere an image can be seen."""
    delivered = f"/images/{image['imageId']}"
    described = f"/v1/images/{image['imageId']}"
    return [
        *(delivered + rest for rest in ("", "/original.png", "/thumb.webp", "/large.jpg")),
        *(f"{delivered}/small.auto", f"{delivered}/metadata", described, f"{described}/metadata"),
    ]


def test_a_link_shows_the_image_everywhere_and_nothing_else(ann, anyone, image, private, dot):
    answer = ann.http.post(f"/v1/images/{image['imageId']}/share", json={"expiresIn": 60})
    link = expect(answer, 201)

    assert set(link) == {"shareId", "shareUrl", "expiresAt", "pageUrl", "hasPassword"}
    assert link["hasPassword"] is False
    assert link["pageUrl"].endswith(f"/s/{link['shareId']}")
    assert link["shareId"].startswith("shr_")
    assert int(answer.headers["darkroom-position"]) > 0
    location = answer.headers["location"]
    assert location == f"/v1/images/{image['imageId']}/shares/{link['shareId']}"
    assert anyone.get(link["shareUrl"]).content == dot
    for route in routes(image):
        assert anyone.get(f"{route}?{query(link)}").status_code == 200, route
        refused(anyone.get(route), 403, "forbidden")
    told = expect(anyone.get(f"/v1/images/{image['imageId']}?{query(link)}"), 200)
    for url in (told["url"], *told["variants"].values()):
        assert anyone.get(url).status_code == 200, "what it tells of opens by it, too"
    for route in routes(private):
        refused(anyone.get(f"{route}?{query(link)}"), 403, "signature_invalid")


def test_what_a_link_shows_no_shared_cache_may_keep(ann, anyone, image):
    link = shared(ann, image)

    for route in routes(image):
        answer = anyone.get(f"{route}?{query(link)}")
        assert answer.headers["cache-control"] == "private, no-cache", route


def test_downloading_is_a_permission_of_its_own(ann, anyone, image):
    seeing = shared(ann, image, permissions=["view"])
    taking = shared(ann, image, permissions=["view", "download"])

    for route in routes(image)[:5]:
        refused(anyone.get(f"{route}?{query(seeing)}&download=1"), 403, "forbidden")
        answer = anyone.get(f"{route}?{query(taking)}&download=1")
        assert answer.status_code == 200
        assert answer.headers["content-disposition"].startswith("attachment; ")


@pytest.mark.parametrize("visibility", ["private", "unlisted", "public"])
def test_a_link_neither_changes_nor_deletes_nor_lends(ann, ben, anyone, dot, visibility):
    image = ann.upload(dot, visibility=visibility)
    link = shared(ann, image, permissions=["view", "download"])

    for http, status, code in ((anyone, 401, "unauthenticated"), (ben.http, 403, "forbidden")):
        for method, rest, body in (
            ("PATCH", "", {"title": "theirs"}),
            ("DELETE", "", None),
            ("POST", "/restore", None),
            ("POST", "/share", {}),
            ("POST", "/signed-url", {}),
            ("GET", "/shares", None),
            ("GET", "/stats", None),
        ):
            path = f"/v1/images/{image['imageId']}{rest}?{query(link)}"
            refused(http.request(method, path, json=body), status, code)


def test_revoking_ends_it_with_the_very_next_request(ann, anyone, image):
    link, other = shared(ann, image), shared(ann, image)
    redirect = anyone.get(f"/v1/images/{image['imageId']}/file?{query(link)}")
    assert redirect.status_code == 302
    assert anyone.get(redirect.headers["location"]).status_code == 200
    path = f"/v1/images/{image['imageId']}/shares/{link['shareId']}"

    answer = ann.http.delete(path)

    assert (answer.status_code, answer.content) == (204, b"")
    for route in routes(image):
        refused(anyone.get(f"{route}?{query(link)}"), 403, "share_revoked")
        assert anyone.get(f"{route}?{query(other)}").status_code == 200
    refused(anyone.get(redirect.headers["location"]), 403, "share_revoked")
    assert ann.http.delete(path).status_code == 204, "nothing to do"
    assert ann.http.get(link["shareUrl"]).status_code == 200, "its owner needs no link"


def test_a_link_expires(ann, anyone, image):
    link = shared(ann, image, expiresIn=1)
    redirect = anyone.get(f"/v1/images/{image['imageId']}/file?{query(link)}").headers["location"]
    assert anyone.get(link["shareUrl"]).status_code == 200

    time.sleep(2.1)  # the signature ends with a whole second

    for url in (link["shareUrl"], redirect):
        refused(anyone.get(url), 403, "signature_expired")


def test_no_part_of_a_link_can_be_touched(ann, anyone, image):
    link, other = shared(ann, image), shared(ann, image)
    whole = {name: values[0] for name, values in parse_qs(query(link)).items()}
    theirs = {name: values[0] for name, values in parse_qs(query(other)).items()}
    assert set(whole) == {"share", "exp", "kid", "sig"}
    touched = [
        *(whole | {name: value} for name, value in theirs.items() if value != whole[name]),
        *(whole | {name: "x"} for name in whole),
        *(whole | {name: ""} for name in whole if name != "sig"),
        *({k: v for k, v in whole.items() if k != name} for name in ("share", "exp", "kid")),
        whole | {"exp": str(int(whole["exp"]) + 1)},
        whole | {"sig": whole["sig"].upper()},
        whole | {"sig": whole["sig"][:-1]},
    ]
    path = f"/images/{image['imageId']}"

    for parameters in touched:
        refused(anyone.get(path, params=parameters), 403, "signature_invalid")
    for name in whole:
        twice = [*whole.items(), (name, whole[name])]
        refused(anyone.get(path, params=twice), 403, "signature_invalid")
    assert anyone.get(path, params=dict(reversed(whole.items()))).status_code == 200
    unsigned = {name: value for name, value in whole.items() if name != "sig"}
    refused(anyone.get(path, params=unsigned), 403, "forbidden")


def test_a_link_made_out_to_somebody_opens_to_nobody_else(ann, ben, anyone, service, image):
    other = Person(service, "carl")
    for whom in (ben.email, ben.id, ben.email.upper()):
        link = shared(ann, image, sharedWith=whom, permissions=["view"])
        for route in routes(image):
            assert ben.http.get(route).status_code == 200, "without the link, too"
            assert ben.http.get(f"{route}?{query(link)}").status_code == 200
            refused(anyone.get(f"{route}?{query(link)}"), 403, "forbidden")
            refused(other.http.get(f"{route}?{query(link)}"), 403, "forbidden")
        refused(ben.http.get(f"{image['url']}?download=1"), 403, "forbidden")
        redirect = ben.http.get(f"/v1/images/{image['imageId']}/file")
        assert ben.http.get(redirect.headers["location"]).status_code == 200

        path = f"/v1/images/{image['imageId']}/shares/{link['shareId']}"
        assert ann.http.delete(path).status_code == 204

        refused(ben.http.get(image["url"]), 403, "forbidden")
        refused(ben.http.get(link["shareUrl"]), 403, "share_revoked")
        refused(anyone.get(redirect.headers["location"]), 403, "forbidden")
        refused(ben.http.get(redirect.headers["location"]), 403, "forbidden")


def test_editing_is_lent_to_accounts_only_and_is_not_owning(ann, ben, image):
    path = f"/v1/images/{image['imageId']}"
    refused(ann.http.post(f"{path}/share", json={"permissions": ["edit"]}), 403, "forbidden")
    link = shared(ann, image, sharedWith=ben.id, permissions=["view", "edit"])

    assert expect(ben.http.patch(path, json={"title": "ours"}), 200)["title"] == "ours"

    for body in ({"visibility": "public"}, {"title": "x", "visibility": "public"}):
        refused(ben.http.patch(path, json=body), 403, "forbidden")
    refused(ben.http.delete(path), 403, "forbidden")
    shown = expect(ann.http.get(path), 200)
    assert (shown["title"], shown["visibility"]) == ("ours", "private")
    assert ann.http.delete(f"{path}/shares/{link['shareId']}").status_code == 204
    refused(ben.http.patch(path, json={"title": "again"}), 403, "forbidden")


def test_the_owner_sees_every_link(ann, ben, dot):
    image = ann.upload(dot)
    path = f"/v1/images/{image['imageId']}/shares"
    assert expect(ann.http.get(path), 200)["shares"] == []
    first = shared(ann, image, permissions=["view", "download"], expiresIn=60)
    second = shared(ann, image, permissions=["view"], sharedWith=ben.email)
    ann.http.delete(f"{path}/{first['shareId']}")

    shares = {share["shareId"]: share for share in expect(ann.http.get(path), 200)["shares"]}

    assert set(shares) == {first["shareId"], second["shareId"]}
    shown = shares[first["shareId"]]
    assert (shown["permissions"], shown["sharedWith"], shown["revoked"]) == (
        ["download", "view"],
        None,
        True,
    )
    assert shares[second["shareId"]]["sharedWith"] == ben.id
    assert shown["expiresAt"] == first["expiresAt"]
    refused(ben.http.get(path), 403, "forbidden")


def test_a_link_is_below_the_address_of_the_service(ann, service, image):
    assert shared(ann, image)["shareUrl"].startswith(f"{service.url}/images/")
    assert urlsplit(shared(ann, image)["shareUrl"]).path == f"/images/{image['imageId']}"
