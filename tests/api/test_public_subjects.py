"""What NATS tells programs of public images: as the feed tells it to who has no account."""

import asyncio
import json
from contextlib import asynccontextmanager
from itertools import takewhile

import nats
import pytest
from nats.js.api import DeliverPolicy

from adapters.announcing import PREVIOUS
from adapters.data_folder import DataFolder
from adapters.jetstream import Names
from settings import load
from tests.people import Person, eventually, expect
from tests.subscriber import subscribe


@asynccontextmanager
async def connected(service):
    settings = load(DataFolder(service.data).endpoints())
    client = await nats.connect(settings.nats_url)
    try:
        yield client.jetstream(), Names(settings.namespace)
    finally:
        await client.close()


async def told(js, names, subject: str, until) -> list[tuple[str, dict[str, str], dict]]:
    """Subject, headers and event of each message from the stream's beginning on."""
    subscription = await js.subscribe(
        subject, stream=names.public_stream, ordered_consumer=True, deliver_policy=DeliverPolicy.ALL
    )
    found = []
    async with asyncio.timeout(30):
        async for message in subscription.messages:
            found.append((message.subject, message.headers, json.loads(message.data)))
            if until(found[-1][2]):
                break
    await subscription.unsubscribe()
    return found


@pytest.fixture
def fay(service) -> Person:
    return Person(service, "fay")


async def test_of_public_images_the_same_as_the_feed_tells(service, fay, dot, anyone):
    begin = int(fay.http.get("/v1/me/history").json()["events"][-1]["position"])
    hidden = fay.upload(dot, "canary.png", title="canary")["imageId"]
    ids = [fay.upload(dot, "canary.png", visibility="public")["imageId"] for _ in range(5)]
    expect(fay.http.patch(f"/v1/images/{ids[0]}", json={"title": "canary"}), 200)
    last = fay.upload(dot, visibility="public")["imageId"]

    def ends(data) -> bool:
        return (data["streamId"], data["type"]) == (last, "image.cleared")

    async with connected(service) as (js, names):
        found = await told(js, names, names.public_subjects, ends)

    feed = [data for _, _, data in takewhile(lambda it: not ends(it[2]), subscribe(anyone, begin))]
    assert [data for _, _, data in found if data["position"] > begin][:-1] == feed
    positions = [data["position"] for _, _, data in found]
    assert positions == sorted(set(positions))
    assert [int(headers["Nats-Msg-Id"]) for _, headers, _ in found] == positions
    assert [int(headers[PREVIOUS]) for _, headers, _ in found][1:] == positions[:-1]
    assert all(subject == names.public_subject(data["type"]) for subject, _, data in found)
    assert names.public_subject("image.finalized") == "darkroom.events.v1.image.finalized"
    assert all(data["actor"] is None for _, _, data in found)
    assert not [it for it in (hidden, fay.id, "canary") if it in str(found)]
    async with connected(service) as (js, names):
        finalized = names.public_subject("image.finalized")
        only = await told(js, names, finalized, lambda data: data["streamId"] == last)
    assert {data["type"] for _, _, data in only} == {"image.finalized"}


async def test_killed_and_wiped_it_goes_on_in_order_and_says_where_something_is_missing(
    service, fay, dot
):
    def cleared(id):
        return lambda data: (data["streamId"], data["type"]) == (id, "image.cleared")

    async with connected(service) as (js, names):
        ids = []
        for _ in range(3):
            ids.append(fay.upload(dot, visibility="public")["imageId"])
            service.kill("relay")
        id = fay.upload(dot, visibility="public")["imageId"]
        eventually(lambda: service.runs("relay"))
        found = await told(js, names, names.public_subjects, cleared(id))
        mine = {data["position"] for _, _, data in found if data["streamId"] in ids}
        positions = [data["position"] for _, _, data in found]
        assert positions == sorted(set(positions))
        assert [int(headers[PREVIOUS]) for _, headers, _ in found][1:] == positions[:-1]

        await js.delete_stream(names.public_stream)
        last = fay.upload(dot, visibility="public")["imageId"]
        async with asyncio.timeout(30):
            while True:
                try:
                    again = await told(js, names, names.public_subjects, cleared(last))
                    break
                except nats.js.errors.NotFoundError:
                    await asyncio.sleep(0.1)

    told_again = [data["position"] for _, _, data in again]
    assert told_again == sorted(set(told_again))
    assert mine
    assert mine <= set(told_again), "of others, what was hidden meanwhile is not told again"
    assert again[0][1][PREVIOUS] == "0", "whoever goes on with it asks the feed first"
