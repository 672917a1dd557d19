"""Legal holds: an administrator's word against every purge."""

import pytest

from tests.people import PASSWORD, Person, eventually, expect, refused


@pytest.fixture
def image(ann, dot):
    return ann.upload(dot, "evidence.png")


def hold(person: Person, image: dict, **body):
    path = f"/v1/admin/images/{image['imageId']}/legal-hold"
    return person.http.put(path, json=body or {"reason": "a court wants it"})


def lift(person: Person, image: dict):
    return person.http.delete(f"/v1/admin/images/{image['imageId']}/legal-hold")


def test_only_an_administrator_holds_and_lifts(ann, anyone, image):
    refused(hold(ann, image), 403, "forbidden")
    refused(lift(ann, image), 403, "forbidden")
    path = f"/v1/admin/images/{image['imageId']}/legal-hold"
    refused(anyone.put(path, json={"reason": "x"}), 401, "unauthenticated")


def test_what_is_held_is_not_purged_until_the_hold_is_lifted(ann, admin, image):
    purge = f"/v1/images/{image['imageId']}/purge"
    assert expect(hold(admin, image), 200)["legalHold"] is True
    expect(hold(admin, image), 200)

    refused(ann.http.post(purge), 409, "legal_hold")
    expect(ann.http.delete(f"/v1/images/{image['imageId']}"), 200)
    refused(ann.http.post(purge), 409, "legal_hold")

    assert lift(admin, image).status_code == lift(admin, image).status_code == 204
    expect(ann.http.post(purge), 202)
    refused(hold(admin, image), 404, "not_found")


def test_a_hold_has_a_reason_and_an_image(admin, ann, image, dot):
    refused(hold(admin, image, reason=""), 422, "validation")
    refused(hold(admin, {"imageId": "img_nonsense"}), 404, "not_found")
    promised = ann.initiate(dot)["uploadId"].replace("upl_", "img_")
    refused(hold(admin, {"imageId": promised}), 404, "not_found")


def listed(admin: Person, **asked) -> dict:
    return expect(admin.http.get("/v1/admin/legal-holds", params=asked), 200)


def test_what_is_held_is_listed_with_its_reason_until_it_is_lifted(ann, admin, dot):
    images = [ann.upload(dot) for _ in range(3)]
    before = listed(admin, limit=1)["total"]
    for number, image in enumerate(images):
        expect(hold(admin, image, reason=f"case {number}"), 200)
    assert listed(admin, limit=1)["total"] == before + 3

    found, asked = [], {"limit": 2}
    while asked:
        page = listed(admin, **asked)
        found += page["holds"]
        asked = page["nextCursor"] and {"limit": 2, "cursor": page["nextCursor"]}
    assert len({it["imageId"] for it in found}) == len(found) == before + 3
    mine = found[-3:]
    assert [it["imageId"] for it in mine] == [it["imageId"] for it in images]
    assert [it["reason"] for it in mine] == ["case 0", "case 1", "case 2"]
    assert {(it["ownerId"], it["placedBy"]) for it in mine} == {(ann.id, admin.id)}
    assert [it["since"] for it in mine] == sorted(it["since"] for it in mine)

    path = f"/v1/admin/images/{images[0]['imageId']}/legal-hold"
    refused(admin.http.request("DELETE", path, json={"reason": 1}), 422, "validation")
    closed = {"reason": "the case is closed"}
    assert admin.http.request("DELETE", path, json=closed).status_code == 204
    assert images[0]["imageId"] not in str(listed(admin, limit=100))
    for image in images[1:]:
        assert lift(admin, image).status_code == 204
    assert listed(admin, limit=1)["total"] == before


def test_only_an_administrator_sees_what_is_held(ann, anyone):
    refused(ann.http.get("/v1/admin/legal-holds"), 403, "forbidden")
    refused(anyone.get("/v1/admin/legal-holds"), 401, "unauthenticated")


def test_an_account_is_erased_but_for_what_is_held(service, admin, dot):
    person = Person(service, "held")
    kept, gone = person.upload(dot), person.upload(dot)
    expect(hold(admin, kept), 200)

    answer = person.http.request("DELETE", "/v1/me", json={"password": PASSWORD})
    url = expect(answer, 202)["receiptUrl"]

    def state(image: dict) -> int:
        return admin.http.get(f"/v1/images/{image['imageId']}").status_code

    def complete() -> bool:
        return expect(service.client().get(url), 200)["complete"]

    eventually(lambda: state(gone) == 404)
    assert state(kept) == 403
    assert not complete()
    assert lift(admin, kept).status_code == 204
    eventually(complete)
    assert state(kept) == 404
