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


def test_a_hold_has_a_reason_and_an_image(admin, image):
    refused(hold(admin, image, reason=""), 422, "validation")
    refused(hold(admin, {"imageId": "img_nonsense"}), 404, "not_found")


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
