"""One id for a request: in its answer, its events, the log of the service, and the audit."""

import json
import re

import pytest

from tests.people import eventually, expect

TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_every_answer_names_its_request(anyone, private):
    paths = ["/health/live", private["url"], "/v1/images/nothing", "/nowhere", "/v1/me"]
    ids = [anyone.get(path).headers["x-request-id"] for path in paths]

    assert all(re.fullmatch("[0-9a-f]{32}", it) for it in ids)
    assert len(set(ids)) == len(ids)


def test_an_event_names_the_request_it_came_of(ann, admin, dot):
    image = ann.upload(dot, "traced.png")
    answer = ann.http.patch(f"/v1/images/{image['imageId']}", json={"title": "Traced"})
    request = answer.headers["x-request-id"]
    position = int(answer.headers["darkroom-position"])

    history = expect(ann.http.get(f"/v1/images/{image['imageId']}/history"), 200)["events"]
    audit = expect(admin.http.get("/v1/admin/audit", params={"stream": image["imageId"]}), 200)

    assert {it["position"]: it["requestId"] for it in history}[position] == request
    assert {it["position"]: it["request"] for it in audit["entries"]}[position] == request


def test_a_caller_that_traces_gives_the_id(anyone):
    answer = anyone.get("/health/live", headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})

    assert answer.headers["x-request-id"] == TRACE


@pytest.mark.parametrize(
    "said",
    [
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-b7ad6b7169203331-01",
        f"99-{TRACE}-b7ad6b7169203331-01",
        "nonsense",
    ],
)
def test_and_what_is_no_trace_gives_none(anyone, said):
    answer = anyone.get("/health/live", headers={"traceparent": said})

    assert answer.status_code == 200
    assert answer.headers["x-request-id"] != TRACE


def test_the_log_tells_of_each_write_who_and_where(service, ann):
    answer = ann.http.patch("/v1/me", json={"keepGps": False})
    lines = service.data / "logs" / "api.log"

    def found() -> list[dict]:
        told = [json.loads(it) for it in lines.read_text().splitlines() if it.startswith("{")]
        return [it for it in told if it.get("request") == answer.headers["x-request-id"]]

    eventually(lambda: bool(found()), within=10)
    (line,) = found()
    assert (line["event"], line["method"], line["route"]) == ("answered", "PATCH", "/v1/me")
    assert (line["status"], line["actor"], line["level"]) == (200, ann.id, "info")
    assert line["position"] == int(answer.headers["darkroom-position"])
