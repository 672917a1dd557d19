"""How full everything is, as administrators see it."""

from tests.api.test_organizations import found_organization
from tests.people import Person, eventually, expect, refused


def overview(admin, **asked):
    return expect(admin.http.get("/v1/admin/quotas", params=asked), 200)


def give(admin, person, quota):
    body = {"quotaBytes": quota, "reason": "test"}
    expect(admin.http.patch(f"/v1/admin/users/{person.id}", json=body), 200)


def test_the_fullest_come_first_with_their_figures(service, admin, dot):
    before, person = overview(admin), Person(service, "full")
    give(admin, person, len(dot))
    person.upload(dot)

    eventually(lambda: person.id in str(overview(admin, limit=100)))
    after = overview(admin, limit=100)

    mine = next(it for it in after["fullest"] if it.get("userId") == person.id)
    assert (mine["usedBytes"], mine["quotaBytes"], mine["percent"]) == (len(dot), len(dot), 100.0)
    assert (mine["name"], mine["plan"]) == (person.name, "free")
    assert after["holders"] > before["holders"]
    assert after["usedBytes"] >= before["usedBytes"] + len(dot)
    for percent in ("80", "95", "100"):
        assert after["reached"][percent] > before["reached"][percent]
    assert after["service"]["ready"] is True
    shares = [it["percent"] for it in after["fullest"]]
    assert shares == sorted(shares, reverse=True)


def test_organizations_are_in_it(service, admin):
    person = Person(service, "founder")
    firm = found_organization(person, "Fullers")
    assert overview(admin)["holders"] >= 2
    assert len(overview(admin, limit=1)["fullest"]) == 1
    assert firm["quotaBytes"] <= overview(admin)["quotaBytes"]


def test_only_administrators_see_it(ann, anyone):
    refused(ann.http.get("/v1/admin/quotas"), 403, "forbidden")
    refused(anyone.get("/v1/admin/quotas"), 401, "unauthenticated")
