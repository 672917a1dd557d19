"""The feed: what one may see, in order, each once, from wherever one broke off."""

import re
import threading
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest

from tests.people import PASSWORD, Person, expect, refused
from tests.subscriber import subscribe


def taken(person_or_client, last: int, number: int, **asked):
    http = getattr(person_or_client, "http", person_or_client)
    return list(islice(subscribe(http, last, **asked), number))


@pytest.fixture
def cal(service) -> Person:
    return Person(service, "cal")


def test_ones_own_image_from_its_promise_to_its_end(cal, dot):
    begin = int(cal.http.get("/v1/me/history").json()["events"][-1]["position"])
    image = cal.upload(dot, "mine.png", title="canary")
    cal.http.delete(f"/v1/images/{image['imageId']}")

    found = taken(cal, begin, 5, type="image")

    assert [type for _, type, _ in found] == [
        "image.upload-initiated",
        "image.finalized",
        "image.details-changed",
        "image.cleared",
        "image.soft-deleted",
    ]
    for position, type, data in found:
        assert (data["position"], data["type"]) == (position, type)
        assert data["streamId"] == image["imageId"]
        assert data["actor"] == cal.id
        assert data["at"].endswith("Z")
    assert "canary" not in str(found)
    assert "mine.png" not in str(found)


def test_of_others_only_what_can_be_seen_now(cal, ben, dot, anyone):
    begin = int(ben.http.get("/v1/me/history").json()["events"][0]["position"])
    hidden, shown = cal.upload(dot, "a.png")["imageId"], cal.upload(dot, "b.png")["imageId"]
    cal.http.patch(f"/v1/images/{hidden}", json={"title": "still hidden"})
    cal.http.post(f"/v1/images/{shown}/share", json={"expiresIn": 60, "permissions": ["view"]})
    cal.http.patch(f"/v1/images/{shown}", json={"visibility": "public"})
    last = cal.upload(dot, "c.png", visibility="public")["imageId"]

    for someone in (ben.http, anyone):
        story = []
        for _, type, data in subscribe(someone, begin):
            story.append((type, data["streamId"]))
            assert data["actor"] is None or data["streamId"] not in (hidden, shown, last)
            if story[-1] == ("image.cleared", last):
                break
        assert hidden not in dict(story).values()
        assert [type for type, id in story if id == shown] == [
            "image.cleared",
            "image.visibility-changed",
        ]
        assert [type for type, id in story if id == last] == ["image.finalized", "image.cleared"]


def test_filters_by_type(cal, dot):
    begin = int(cal.http.get("/v1/me/history").json()["events"][0]["position"])
    images = [cal.upload(dot)["imageId"] for _ in range(3)]

    found = taken(cal, begin, 3, type="image.finalized")

    assert [data["streamId"] for _, _, data in found] == images


@pytest.mark.parametrize("asked", [{"from": "x"}, {"from": "-1"}, {"type": "image.nothing"}])
def test_what_cannot_be_is_refused(ann, asked):
    refused(ann.http.get("/v1/events", params=asked), 422, "validation")


def test_it_ends_when_it_was_to_end(cal, dot):
    image = cal.upload(dot)["imageId"]

    answer = cal.http.get("/v1/events", params={"from": 0, "type": "image", "wait": 1})

    assert answer.text.count(f'"streamId":"{image}"') == 3
    for never in ("0", "901", "soon"):
        refused(cal.http.get("/v1/events", params={"wait": never}), 422, "validation")


def test_a_last_event_id_that_is_none_is_refused(ann):
    answer = ann.http.get("/v1/events", headers={"Last-Event-ID": "yesterday"})

    refused(answer, 422, "validation")


def test_killed_and_resumed_at_random_it_sees_each_event_once_and_in_order(cal, dot):
    """Until the one that says that the last image was put into the trash."""
    begin = int(cal.http.get("/v1/me/history").json()["events"][-1]["position"])
    lengths, http = cycle([1, 5, 2, 7, 3]), cal.service.client(cal.tokens["accessToken"])

    def write() -> None:
        for number in range(30):
            image = http.post("/v1/images", files={"file": (f"{number}.png", dot)}).json()
            http.patch(f"/v1/images/{image['imageId']}", json={"title": str(number)})
        http.delete(f"/v1/images/{image['imageId']}")

    writer = threading.Thread(target=write)
    writer.start()
    seen: list[int] = []
    over, resumed = False, 0
    while not over:
        after, resumed = seen[-1] if seen else begin, resumed + 1
        for position, type, _ in islice(subscribe(cal.http, after, type="image"), next(lengths)):
            seen.append(position)
            if over := type == "image.soft-deleted":
                break
    writer.join()

    story = [it[0] for it in taken(cal, begin, len(seen), type="image")]
    assert seen == story == sorted(set(seen))
    assert len(seen) == 30 * 4 + 1
    assert resumed > 20


def test_the_subscriber_of_the_readme(cal, dot):
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    written: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", readme, re.S)[0], written)  # noqa: S102 - our own
    image = cal.upload(dot, "read.png")

    for event in written["follow"](cal.service.url, cal.tokens["accessToken"]):
        if event["streamId"] == image["imageId"] and event["type"] == "image.finalized":
            break


def test_the_schema_names_every_event(anyone):
    found = expect(anyone.get("/schema/events.json"), 200)

    assert "image.finalized" in found["data"]
    assert "personal" not in str(found)
    assert set(found["event"]["$defs"]["Told"]["properties"]) >= {"position", "type", "streamId"}


def test_a_stream_ends_with_the_session_that_opened_it(cal, dot):
    login = {"email": cal.email, "password": PASSWORD}
    lent = expect(cal.service.client().post("/v1/auth/login", json=login), 200)
    lost = cal.service.client(lent["accessToken"])
    with lost.stream("GET", "/v1/events") as answer:
        lines = answer.iter_lines()
        assert next(lines) == "retry: 1000"
        sessions = expect(cal.http.get("/v1/me/sessions"), 200)["sessions"]
        (other,) = [it["sessionId"] for it in sessions if not it["current"]]
        assert cal.http.delete(f"/v1/me/sessions/{other}").status_code == 204
        cal.upload(dot, "after.png")

        told = "".join(lines)

    assert "image." not in told
