"""Usage reports over HTTP: one's own, everybody's to administrators, as JSON and CSV."""

import csv
import io

import pytest

from tests.api.test_organizations import found_organization
from tests.people import Person, eventually, expect, refused

FIGURES = (*("storageByteSeconds", "uploads", "views", "downloads", "egressBytes", "transforms"),)


@pytest.fixture(scope="module")
def user(service, dot):
    person = Person(service, "billed")
    image = person.developed(person.upload(dot, "a.png", visibility="public"))
    path = f"/images/{image['imageId']}"
    person.http.get(path)
    person.http.get(path, params={"download": "1"})
    seen = f"/v1/images/{image['imageId']}/stats"
    eventually(lambda: person.http.get(seen).json()["downloads"] == 1, within=10)
    eventually(lambda: any(it["uploads"] for it in report(person)), within=20)
    return person


def report(person, **asked):
    return expect(person.http.get("/v1/reports/usage", params=asked), 200)["lines"]


def test_ones_own_usage_of_this_month(user, dot):
    for group in ("day", "month"):
        lines = report(user, groupBy=group)
        assert {it["ownerId"] for it in lines} == {user.id}
        assert {len(it["period"]) for it in lines} == {10 if group == "day" else 7}
        sums = {name: sum(it[name] for it in lines) for name in FIGURES}
        assert (sums["uploads"], sums["views"], sums["downloads"]) == (1, 1, 1)
        assert sums["egressBytes"] == 2 * len(dot)
        assert sums["storageByteSeconds"] > 0


def test_csv_says_the_same(user):
    asked = {"groupBy": "month", "format": "csv"}
    answer = user.http.get("/v1/reports/usage", params=asked)

    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    lines = report(user, groupBy="month")
    assert [row["ownerId"] for row in rows] == [it["ownerId"] for it in lines]
    assert [int(row["uploads"]) for row in rows] == [it["uploads"] for it in lines]
    assert [row["provisional"] == "true" for row in rows] == [it["provisional"] for it in lines]
    preferred = user.http.get("/v1/reports/usage", headers={"Accept": "text/csv"})
    assert preferred.headers["Content-Type"].startswith("text/csv")


def test_others_see_nothing_of_it_and_administrators_all(user, ben, admin, anyone):
    assert user.id not in {it["ownerId"] for it in report(ben)}
    answer = ben.http.get("/v1/reports/usage", params={"user": user.id})
    refused(answer, 403, "forbidden")
    refused(anyone.get("/v1/reports/usage"), 401, "unauthenticated")
    assert user.id in {it["ownerId"] for it in report(admin)}
    assert {it["ownerId"] for it in report(admin, user=user.id)} == {user.id}


def test_an_administrators_lesser_key_reports_no_more_than_anybodys(user, admin):
    made = admin.http.post("/v1/api-keys", json={"name": "ci", "scopes": ["read", "write"]})
    lesser = admin.service.client(expect(made, 201)["secret"])
    mighty = admin.http.post("/v1/api-keys", json={"name": "bills", "scopes": ["admin"]})

    refused(lesser.get("/v1/reports/usage", params={"user": user.id}), 403, "forbidden")
    lines = expect(lesser.get("/v1/reports/usage"), 200)["lines"]
    assert {it["ownerId"] for it in lines} <= {admin.id}
    bills = admin.service.client(expect(mighty, 201)["secret"])
    lines = expect(bills.get("/v1/reports/usage"), 200)["lines"]
    assert user.id in {it["ownerId"] for it in lines}


def test_who_governs_an_organization_sees_its_usage(service, ben):
    owner = Person(service, "boss")
    firm = found_organization(owner, "Firm")["orgId"]

    assert report(owner, org=firm) == []
    refused(ben.http.get("/v1/reports/usage", params={"org": firm}), 403, "forbidden")


def test_periods_are_bounded(user):
    for asked in (
        {"from": "2026-01-01", "to": "2025-01-01"},
        {"from": "2020-01-01", "to": "2025-01-01"},
        {"groupBy": "week"},
        {"format": "xml"},
        {"from": "x"},
    ):
        refused(user.http.get("/v1/reports/usage", params=asked), 422, "validation")
    assert report(user, **{"from": "2020-01-01", "to": "2020-02-01"}) == []
