"""Erasing in NATS; the list of erasures against the log."""

from uuid import uuid4

import pytest
from nats.js.errors import NotFoundError

from adapters import jetstream
from adapters.erasure import PostgresErasures
from bootstrap import erasing
from commands.erasure import PurgeImage, purge_image, receipt_id
from commands.ports import Batch
from domain import image_events
from domain.access import Visibility
from domain.claim import Claimed, Released
from domain.image_events import (
    Cause,
    ImageCleared,
    Promised,
    Purged,
    UploadInitiated,
)
from domain.media import Content, Format
from domain.refusals import AlreadyPurged
from tests.spec import LATER, OWNER

SECRET = "a-secret.jpg"  # noqa: S105 - a file's name


def initiated() -> UploadInitiated:
    personal = Promised(filename=SECRET)
    return UploadInitiated(
        owner_id=OWNER, size=0, content_type="image/png", expires_at=LATER, personal=personal
    )


async def write(core, stream, *events, after=0) -> int:
    return await core.store.append([Batch(stream_id=stream, after=after, events=events)], by=OWNER)


async def test_messages_are_found_by_position_whatever_is_missing_around_them(core):
    streams = [uuid4() for _ in range(9)]
    for stream in streams:
        await write(core, stream, initiated())
    for stream in streams:
        await write(core, stream, ImageCleared(scanner="decode"), after=1)
    end = await core.log.head()
    js = core.nats.jetstream()
    page = await core.log.recorder.page(2, 100)
    assert await jetstream.erase(js, core.names, [3], upto=end) is None
    await jetstream.publish(core.nats, core.names, page, previous=2, sequence=0)
    await js.delete_msg(core.names.stream, 5)

    gone = await jetstream.erase(js, core.names, [1, 3, 7, 10, end - 1], upto=end)

    assert gone == 3  # 1 was never there, 7 was deleted before
    left = set()
    for sequence in range(1, len(page) + 1):
        try:
            found = await js.get_msg(core.names.stream, sequence, direct=True)
        except NotFoundError:
            continue
        left.add(int(found.headers["Es-Pos"]))
    assert left == {event.id for event in page} - {3, 7, 10, end - 1}
    assert await jetstream.erase(js, core.names, [1, 3, 7, 10], upto=end) == 0


async def test_what_was_ordered_is_taken_up_even_if_nobody_wrote_it_down(core):
    ours, another = uuid4(), uuid4()
    await write(core, ours, initiated())
    await write(core, another, initiated())
    ordered = await write(core, ours, Purged(cause=Cause.RETENTION), after=1)
    orders, erasures = erasing.orders(core), PostgresErasures(core.database)

    assert await orders.take() == 1
    assert await orders.take() == 0

    (found,) = await erasures.due(10)
    assert (found.subject, found.owner_id, found.position) == (ours, OWNER, ordered)
    assert found == await erasures.find(receipt_id(ours, core.key))
    assert await orders.resurrected() == [ours]


async def test_a_log_older_than_a_purge_learns_of_it_from_the_object_store(core):
    stream = uuid4()
    await write(core, stream, initiated())
    key = f"erasures/image/{stream.hex}"
    await core.objects.put(key, b"", content_type="text/plain")

    assert await erasing.reapply_all(core.settings) == 1
    assert await erasing.reapply_all(core.settings) == 1

    history = [it.event for it in await core.store.load(stream)]
    assert history[1:] == [Purged(cause=Cause.ERASURE)]
    assert [it.subject for it in await PostgresErasures(core.database).due(10)] == [stream]


async def test_a_purge_releases_the_claim_on_its_bytes_and_is_repeatable(core):
    stream, request = uuid4(), uuid4()
    content = Content(checksum="ab" * 32, width=1, height=1)
    finalized = image_events.ImageFinalized(
        attempt=uuid4(),
        format=Format.PNG,
        size=0,
        visibility=Visibility.PRIVATE,
        personal=content,
    )
    claimed = core.key.claim_id("bytes", f"{OWNER.hex}/{content.checksum}")
    await write(core, stream, initiated(), finalized)
    await write(core, claimed, Claimed(account_id=OWNER, image_id=stream))
    parts = {
        "store": core.store,
        "hasher": core.key,
        "erasures": PostgresErasures(core.database),
        "now": lambda: LATER,
    }
    command = PurgeImage(by=OWNER, image_id=stream, request=request)

    first = await purge_image(command, **parts)
    again = await purge_image(command, **parts)

    assert again.receipt_id == first.receipt_id
    assert again.receipt.position is None
    assert [it.event for it in await core.store.load(claimed)][1:] == [Released()]
    with pytest.raises(AlreadyPurged):
        await purge_image(PurgeImage(by=OWNER, image_id=stream, request=uuid4()), **parts)
