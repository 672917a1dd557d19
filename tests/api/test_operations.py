"""For those who run it: health, metrics, and the description of the API itself."""

import re

import pytest

from projections.projection import ALL
from tests.people import expect

UNIQUE = re.compile(r"(u|img|upl|shr)_[0-9a-v]{26}|[0-9a-f]{16}|@example")


def test_live_says_only_that_it_lives(anyone):
    assert expect(anyone.get("/health/live"), 200) == {"status": "alive"}


def test_ready_tells_of_each_server_and_each_read_model(anyone):
    answer = anyone.get("/health/ready")

    found = expect(answer, 200)
    assert answer.headers["cache-control"] == "no-store"
    assert found["ready"] is True
    assert {"database", "nats", "objects", "search"} <= set(found["services"])
    for name in ("database", "nats", "objects", "search"):
        assert found["services"][name]["state"] == "up"
    assert found["head"] >= 0
    models = {model["name"]: model for model in found["projections"]}
    assert set(models) == {projection.name for projection in ALL}
    for model in models.values():
        assert {"position", "lag", "generation", "parked", "stalled"} <= set(model)
        assert model["parked"] == 0
    assert "password" not in answer.text


def test_metrics_count_by_route_and_never_by_what_stood_in_it(ann, anyone, private):
    ann.http.get(f"/v1/images/{private['imageId']}")
    anyone.get(private["url"])
    anyone.get(private["thumbnailUrl"])
    for method in ("BREW", f"X{'1' * 20}"):
        anyone.request(method, "/v1/images")
        anyone.request(method, "/nowhere")
    anyone.get("/nowhere/u_00000000000000000000000000")

    answer = anyone.get("/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    page = answer.text
    labels = " ".join(re.findall(r'="([^"]*)"', page))
    assert not UNIQUE.search(labels), UNIQUE.search(labels)
    assert "BREW" not in labels
    assert "nowhere" not in labels
    assert 'method="GET",route="/v1/images/{id}",status="200"' in page
    assert 'route="/images/{id}",status="403"' in page
    assert "darkroom_http_seconds_bucket" in page


def test_every_line_of_the_metrics_is_one(anyone):
    line = re.compile(r'[a-zA-Z_:][\w:]*(\{(\w+="[^"\n]*",?)*\})? [-+.\deEinfNa]+')
    for text in anyone.get("/metrics").text.splitlines():
        assert text.startswith(("# HELP ", "# TYPE ")) or line.fullmatch(text), text


def test_the_api_describes_itself(anyone):
    answer = anyone.get("/schema/openapi.json")

    schema = answer.json()
    assert answer.status_code == 200
    assert schema["openapi"].startswith("3.")
    assert {"/v1/auth/login", "/v1/images", "/images/{id}", "/v1/search"} <= set(schema["paths"])
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            assert operation.get("summary"), (method, path)
    ids = [
        operation["operationId"] for item in schema["paths"].values() for operation in item.values()
    ]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("path", ["/schema", "/schema/"])
def test_and_can_be_browsed(anyone, path):
    answer = anyone.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
