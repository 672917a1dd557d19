"""What is taken back is gone from the very next request on, however late the read models are."""

from concurrent.futures import ThreadPoolExecutor

from tests.api.test_albums import at, ids, lend, new_album, put
from tests.api.test_organizations import assign, found_organization, join, new_team
from tests.api.test_revoked_at_once import standing_still
from tests.people import Person, expect, refused


def test_the_very_next_request_is_refused(service, ann, ben, anyone, dot):
    owner, member = Person(service, "qin"), Person(service, "ria")
    firm = found_organization(owner)
    join(firm, owner, member)
    team, other_team = new_team(owner, firm), new_team(owner, firm)
    for it in (team, other_team):
        assign(owner, it, member, "viewer")
    lent, linked, deleted = (new_album(ann) for _ in range(3))
    of_team, of_other = (new_album(owner, teamId=it["teamId"]) for it in (team, other_team))
    images = {}
    for person, album in ((ann, lent), (ann, linked), (ann, deleted), (owner, of_team)):
        images[album["albumId"]] = person.upload(dot, albumId=album["albumId"])
    left = owner.upload(dot, albumId=of_other["albumId"])
    for album in (lent, deleted):
        lend(ann, album, ben, "view", "edit")
    link = expect(ann.http.post(f"{at(linked)}/share", json={}), 201)
    query = "?" + link["shareUrl"].partition("?")[2]
    seen = {
        "lent": (ben.http, images[lent["albumId"]], ""),
        "linked": (anyone, images[linked["albumId"]], query),
        "deleted": (ben.http, images[deleted["albumId"]], ""),
        "team": (member.http, images[of_team["albumId"]], ""),
        "left": (member.http, left, ""),
    }
    for http, image, more in seen.values():
        assert http.get(f"/images/{image['imageId']}{more}").status_code == 200

    takes = [
        lambda: ann.http.delete(f"{at(lent)}/collaborators/{ben.id}"),
        lambda: ann.http.delete(f"{at(linked)}/shares/{link['shareId']}"),
        lambda: ann.http.delete(at(deleted)),
        lambda: owner.http.delete(f"/v1/teams/{team['teamId']}"),
        lambda: owner.http.delete(f"/v1/teams/{other_team['teamId']}/members/{member.id}"),
    ]
    with (
        standing_still(service, "albums", "organizations"),
        ThreadPoolExecutor(len(takes)) as pool,
    ):
        assert {it.result().status_code for it in [pool.submit(take) for take in takes]} == {204}

        for way, (http, image, more) in seen.items():
            code = "share_revoked" if way == "linked" else "forbidden"
            for path in (f"/images/{image['imageId']}", f"/v1/images/{image['imageId']}"):
                refused(http.get(path + more), 403, code)
        path = f"/v1/images/{images[lent['albumId']]['imageId']}"
        refused(ben.http.patch(path, json={"title": "x"}), 403, "forbidden")
        for http, album in ((ben.http, lent), (ben.http, deleted), (member.http, of_team)):
            refused(http.get(at(album)), 404, "not_found")
            refused(http.get(f"{at(album)}/images"), 404, "not_found")
        hidden = {
            *ids(*images.values(), left),
            *(it["albumId"] for it in (lent, deleted, of_team, of_other)),
        }
        assert not hidden & (shown_to(ben.http) | shown_to(member.http))


def shown_to(http):
    """Everything that is listed as shared with somebody."""
    images, albums = (
        expect(http.get(path, params={"shared": "true", "limit": 100}), 200)
        for path in ("/v1/images", "/v1/albums")
    )
    return {
        *(it["imageId"] for it in images["images"]),
        *(it["albumId"] for it in albums["albums"]),
    }


def test_an_image_taken_out_of_an_album_is_gone_from_it(ann, ben, dot):
    album, image = new_album(ann), ann.upload(dot)
    put(ann, album, image)
    lend(ann, album, ben, "view")
    assert ben.http.get(f"/images/{image['imageId']}").status_code == 200

    assert ann.http.delete(f"{at(album)}/images/{image['imageId']}").status_code == 204

    refused(ben.http.get(f"/images/{image['imageId']}"), 403, "forbidden")
