"""Webhooks while who tells them is killed, and while nobody answers."""

import time
from itertools import groupby

import psycopg
import pytest

from adapters.data_folder import DataFolder
from settings import load
from tests.people import Person, eventually, expect, letter, sample
from tests.receiver import Receiver, answer
from tests.service import Service
from tests.subscriber import subscribe

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(300)]

HOOKS = "/v1/webhooks"
DOT = sample("valid/sharp__2x2_fdcce6.png")
KILLS = 3


@pytest.fixture
def nell(hurt) -> Person:
    return Person(hurt, "nell")


@pytest.fixture
def receivers():
    three = [Receiver() for _ in range(3)]
    yield three
    for it in three:
        it.down()


def hooked(person: Person, receiver: Receiver, **asked) -> str:
    made = expect(person.http.post(HOOKS, json={"url": receiver.url(), **asked}), 201)
    receiver.secret = made["secret"]
    return made["webhookId"]


def released(service: Service) -> None:
    """What a dead one had leased, at once; after the last kill it is seen that it is by itself."""
    url = load(DataFolder(service.data).endpoints()).database_url
    with psycopg.connect(url) as connection:
        connection.execute("update webhooks.endpoints set leased_until = '-infinity'")


def metric(service: Service, name: str) -> float:
    page = service.client().get("/metrics").text
    return sum(float(it.split()[-1]) for it in page.splitlines() if it.startswith(name))


def test_killed_while_they_tell_nothing_is_left_out_and_each_is_told_in_order(
    hurt, nell, receivers
):
    begin = int(nell.http.get("/v1/me/history").json()["events"][-1]["position"])
    for receiver in receivers:
        hooked(nell, receiver, types=["image"])
        receiver.pause = 0.02
    for number in range(KILLS):
        for _ in range(10):
            nell.upload(DOT)
        heard = sum(len(it.told) for it in receivers)
        eventually(lambda heard=heard: sum(len(it.told) for it in receivers) > heard)
        time.sleep(0.1 * number)
        hurt.kill("react")
        if number < KILLS - 1:
            released(hurt)
        eventually(lambda: hurt.runs("react"))
    last = nell.upload(DOT)["imageId"]

    story = []
    for position, type, data in subscribe(nell.http, begin, type="image"):
        story.append(position)
        if (type, data["streamId"]) == ("image.cleared", last):
            break
    for receiver in receivers:
        eventually(lambda it=receiver: told(it)[-1:] == story[-1:], within=120)
        assert told(receiver) == story, "at least once, in order, none left out"


def told(receiver: Receiver) -> list[int]:
    """Whatever came twice, came twice in a row."""
    positions = [it["data"]["position"] for it in list(receiver.told)]
    return [position for position, _ in groupby(positions)]


def test_what_is_given_up_is_noticed_and_counted_and_told_once_asked_for(hurt, nell, receivers):
    receiver, before = receivers[0], metric(hurt, "darkroom_webhook_dead_letters")
    id = hooked(nell, receiver, types=["image.finalized"])
    receiver.always = lambda it: answer(it, 500)
    nell.upload(DOT)
    eventually(lambda: metric(hurt, "darkroom_webhook_oldest_seconds") > 0.5)

    eventually(lambda: notices(nell), within=90)

    (notice,) = notices(nell)
    (dead,) = expect(nell.http.get(f"{HOOKS}/{id}/deliveries"), 200)["deliveries"]
    assert (notice["kind"], notice["webhookId"]) == ("webhook", id)
    assert notice["position"] == dead["position"]
    assert (dead["state"], dead["status"]) == ("dead", 500)
    mail = " ".join(letter(hurt, nell.email, "A webhook of yours does not answer").split())
    assert f"could not be told of the event at position {dead['position']}" in mail
    assert metric(hurt, "darkroom_webhook_dead_letters") == before + 1
    for state in ("dead", "retrying"):
        assert metric(hurt, f'darkroom_webhook_deliveries_total{{state="{state}"}}') > 0
    receiver.always = None
    body = {"from": dead["position"]}
    expect(nell.http.post(f"{HOOKS}/{id}/redeliver", json=body), 202)
    eventually(lambda: [it["data"]["position"] for it in receiver.told] == [dead["position"]])
    eventually(lambda: metric(hurt, "darkroom_webhook_dead_letters") == before)


def test_one_that_is_gone_is_noticed_but_not_by_mail_if_one_said_no(hurt, nell, receivers):
    expect(nell.http.patch("/v1/me", json={"notify": {"webhook.mail": False}}), 200)
    id = hooked(nell, receivers[0], types=["image.finalized"])
    receivers[0].always = lambda it: answer(it, 410)
    nell.upload(DOT)

    eventually(lambda: notices(nell))

    (notice,) = notices(nell)
    assert (notice["webhookId"], notice["disabled"]) == (id, "gone")
    other = Person(hurt, "other")
    hooked(other, receivers[0], types=["image.finalized"])
    other.upload(DOT)
    assert "said that it is gone" in letter(hurt, other.email, "A webhook of yours does not answer")
    written = [it.read_text(errors="replace") for it in (hurt.data / "mail").glob("*.eml")]
    assert not [it for it in written if nell.email in it and "webhook" in it]


def notices(person: Person) -> list[dict]:
    return expect(person.http.get("/v1/notifications"), 200)["notifications"]
