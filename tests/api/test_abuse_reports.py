"""Abuse: anybody reports it, administrators judge it, who reported is told."""

import secrets
from uuid import uuid4

import pytest

from domain.ids import to_text
from tests.people import PASSWORD, Person, eventually, expect, letter, refused


def report(http, **body):
    return expect(http.post("/v1/reports", json={"reason": "privacy"} | body), 202)


def queue(admin, **asked):
    asked = {"limit": 100, "status": "open"} | asked
    return expect(admin.http.get("/v1/admin/reports", params=asked), 200)["reports"]


def judge(admin, filed, action, reason="seen"):
    path = f"/v1/admin/reports/{filed['reportId']}/resolve"
    return admin.http.post(path, json={"action": action, "reason": reason})


def in_queue(admin, image, number):
    """What was reported of it, once it is that many."""
    eventually(lambda: len(queue(admin, imageId=image)) >= number, within=20)
    return queue(admin, imageId=image)


@pytest.mark.parametrize("form", ["{0}", "https://x.example/images/{0}/thumb.webp?a=b", "see {0}."])
def test_anybody_reports_by_any_address_of_an_image(admin, ann, anyone, dot, form):
    image = ann.upload(dot)["imageId"]
    address = form.format(image)
    filed = report(anyone, url=address, details="It shows me.", email="me@example.org")

    (mine,) = in_queue(admin, image, 1)

    assert mine["reportId"] == filed["reportId"]
    assert (mine["reason"], mine["details"], mine["known"]) == ("privacy", "It shows me.", True)
    assert (mine["email"], mine["reporterId"]) == ("me@example.org", None)


def test_the_answer_says_nothing_of_the_image(admin, anyone, ben, private, public):
    nobody = {"imageId": to_text("img", uuid4())}
    shapes = [
        {key: type(value) for key, value in report(http, imageId=it["imageId"]).items()}
        for http in (anyone, ben.http)
        for it in (private, public, nobody)
    ]

    assert all(shape == {"reportId": str, "status": str} for shape in shapes)
    unknown = in_queue(admin, nobody["imageId"], 2)
    assert [it["known"] for it in unknown] == [False, False]
    assert {it["reporterId"] for it in unknown} == {None, ben.id}
    refused(judge(admin, unknown[0], "takedown"), 404, "not_found")
    expect(judge(admin, unknown[0], "dismiss"), 200)


def test_what_names_no_image_is_refused(anyone):
    for body in (
        {"url": "https://example.org/cat.jpg"},
        {"imageId": "img_x"},
        {"url": "img_" + "z" * 26},
        {},
        {"imageId": to_text("img", uuid4()), "reason": "boring"},
        {"imageId": to_text("img", uuid4()), "details": "\0"},
        {"imageId": to_text("img", uuid4()), "email": "nobody"},
    ):
        answer = anyone.post("/v1/reports", json={"reason": "spam"} | body)
        refused(answer, 422, "validation")


def test_only_administrators_see_and_judge(ann, anyone, public):
    filed = report(ann.http, imageId=public["imageId"])
    refused(ann.http.get("/v1/admin/reports"), 403, "forbidden")
    refused(anyone.get("/v1/admin/reports"), 401, "unauthenticated")
    refused(judge(ann, filed, "dismiss"), 403, "forbidden")


def test_a_takedown_is_done_and_who_reported_is_told(service, admin, ann, anyone, dot):
    image = ann.upload(dot, visibility="public")
    address = f"{secrets.token_hex(5)}@example.org"
    filed = report(anyone, imageId=image["imageId"], reason="copyright", email=address)
    expect(anyone.get(f"/v1/images/{image['imageId']}"), 200)

    judged = expect(judge(admin, filed, "takedown", "not yours"), 200)

    assert (judged["resolution"], judged["verdict"]) == ("takedown", "not yours")
    assert judged["resolvedBy"] == admin.id
    refused(anyone.get(f"/v1/images/{image['imageId']}"), 403, "forbidden")
    assert "it was taken down" in letter(service, address, "Your report was looked at")
    assert filed["reportId"] not in str(queue(admin))
    resolved = queue(admin, status="resolved", imageId=image["imageId"])
    assert [it["reportId"] for it in resolved] == [filed["reportId"]]
    expect(judge(admin, filed, "takedown"), 200)
    refused(judge(admin, filed, "dismiss"), 409, "conflict")


def test_a_quarantine_is_done(admin, ann, anyone, dot):
    image = ann.upload(dot, visibility="public")
    filed = report(anyone, imageId=image["imageId"])

    expect(judge(admin, filed, "quarantine"), 200)

    refused(anyone.get(f"/v1/images/{image['imageId']}"), 403, "forbidden")
    told = expect(ann.http.get(f"/v1/images/{image['imageId']}"), 200)["closed"]
    assert (told["reason"], told["explanation"]) == ("quarantined", "somebody reported it")


def test_a_dismissal_leaves_the_image(admin, ann, anyone, public):
    filed = report(ann.http, imageId=public["imageId"])
    expect(judge(admin, filed, "dismiss"), 200)
    expect(anyone.get(f"/v1/images/{public['imageId']}"), 200)


def test_each_act_is_in_the_audit_log_without_what_people_wrote(admin, anyone, public):
    filed = report(anyone, imageId=public["imageId"], details="Secret words", email="x@y.example")
    expect(judge(admin, filed, "dismiss", "more words"), 200)

    asked = {"stream": filed["reportId"]}
    answer = admin.http.get("/v1/admin/audit", params=asked)

    entries = expect(answer, 200)["entries"]
    assert [(it["type"], it["actor"]) for it in entries] == [
        ("report.filed", "darkroom"),
        ("report.resolved", admin.id),
    ]
    assert not [it for it in ("Secret", "words", "x@y") if it in answer.text]


def test_the_queue_goes_on_where_it_ended(admin, anyone):
    image = to_text("img", uuid4())
    ids = [report(anyone, imageId=image)["reportId"] for _ in range(5)]
    eventually(lambda: len(queue(admin, imageId=image)) == 5)

    seen, cursor = [], ""
    while cursor is not None:
        asked = {"imageId": image, "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = expect(admin.http.get("/v1/admin/reports", params=asked), 200)
        assert page["total"] == 5
        seen += [it["reportId"] for it in page["reports"]]
        cursor = page["nextCursor"]

    assert seen == ids
    for wrong in ("cursor=x", "status=lost", "imageId=alb_x", "limit=0"):
        refused(admin.http.get(f"/v1/admin/reports?{wrong}"), 422, "validation")


def test_what_somebody_reported_is_erased_with_their_account(service, admin, public):
    person = Person(service, "teller")
    filed = report(person.http, imageId=public["imageId"], details="Secret", email="me@me.example")
    eventually(lambda: filed["reportId"] in str(queue(admin, imageId=public["imageId"])))

    body = {"password": PASSWORD}
    url = expect(person.http.request("DELETE", "/v1/me", json=body), 202)["receiptUrl"]
    eventually(lambda: expect(service.client().get(url), 200)["complete"])

    removed = {it["where"]: it["count"] for it in expect(service.client().get(url), 200)["removed"]}
    assert removed["reports"] == 1
    assert filed["reportId"] not in str(queue(admin, imageId=public["imageId"]))
    refused(judge(admin, filed, "dismiss"), 404, "not_found")
