"""Somebody with the keys to the database meddles with the log; the audit names what was done."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest
from botocore.exceptions import ClientError
from msgspec.structs import replace

from adapters.audit_log import LogEntries
from bootstrap import auditing, now
from commands.ports import Batch
from domain.ids import NOBODY, to_text
from domain.image_events import (
    Cause,
    ImageCleared,
    Promised,
    Purged,
    UploadInitiated,
)
from projections.audit import Checkpoint, Kind
from projections.audit_log import Filter, as_csv
from tests.spec import LATER, NOW, OWNER

HOUR = timedelta(hours=1)
SWAP = """
    with pair as (select notification_id, state from log.darkroom_events
        where notification_id in ({0}, {1}))
    update log.darkroom_events e set notification_id = -e.notification_id
    where notification_id in ({0}, {1});
    update log.darkroom_events
    set notification_id = case notification_id when -{0} then {1} else {0} end
    where notification_id in (-{0}, -{1})"""
SEQUENCE = "pg_get_serial_sequence('log.darkroom_events', 'notification_id')"


def initiated() -> UploadInitiated:
    personal = Promised(filename="lake.jpg")
    return UploadInitiated(
        owner_id=OWNER, size=0, content_type="image/png", expires_at=LATER, personal=personal
    )


async def write(core, count=1, by=OWNER) -> None:
    for _ in range(count):
        batch = Batch(stream_id=uuid4(), after=0, events=[initiated()])
        await core.store.append([batch], by=by)


async def verified(core, point=None) -> list[tuple[Kind, int]]:
    verdict = await auditing.verify(core.settings, point, lambda position, head: None)
    return [(it.kind, it.position) for it in verdict.findings]


async def meddle(core, statement: str) -> None:
    await core.database.run(statement)


async def flip(core, position: int) -> None:
    await meddle(
        core,
        "update log.darkroom_events set state = set_byte(state, 9, get_byte(state, 9) # 1)"
        f" where notification_id = {position}",
    )


async def test_an_untouched_log_passes_sealed_or_not(core):
    assert await verified(core) == []
    await write(core, 3)
    assert await verified(core) == []
    assert await auditing.sealer(core).work() == 3
    await write(core, 2)
    point = await auditing.checkpoint(core.settings)

    assert (point.number, point.position) == (2, 5)
    assert await verified(core, point) == []
    await write(core, 2)
    assert await verified(core, point) == []


async def test_each_thing_that_was_done_to_it_is_named_with_its_place(core):
    await write(core, 8)
    await auditing.sealer(core).all()
    await meddle(core, f"select nextval({SEQUENCE})")  # as a refused append leaves a gap, at 9
    await write(core, 11)
    await auditing.sealer(core).all()
    insert = "insert into log.darkroom_events (originator_id, originator_version, topic, state"

    await flip(core, 2)
    await meddle(core, "delete from log.darkroom_events where notification_id = 4")
    await meddle(
        core,
        f"{insert}, notification_id) select gen_random_uuid(), 1, topic, state, 9"
        " from log.darkroom_events where notification_id = 5",
    )
    await meddle(core, SWAP.format(6, 12))
    await meddle(core, "delete from log.darkroom_events where notification_id >= 18")

    assert await verified(core) == [
        (Kind.CHANGED, 2),
        (Kind.REMOVED, 4),
        (Kind.REORDERED, 6),
        (Kind.INSERTED, 9),
        (Kind.REORDERED, 12),
        (Kind.TRUNCATED, 18),
    ]


async def test_what_is_not_sealed_yet_speaks_for_itself(core):
    await write(core, 3)
    insert = "insert into log.darkroom_events (originator_id, originator_version, topic, state)"
    await flip(core, 2)
    await meddle(
        core, f"{insert} select gen_random_uuid(), 1, topic, state from log.darkroom_events limit 1"
    )
    found = [(Kind.CHANGED, 2), (Kind.INSERTED, 4)]

    assert await verified(core) == found

    await auditing.sealer(core).all()  # sealing it makes nothing of it true
    assert await verified(core) == found


async def test_an_end_that_was_cut_off_with_its_seals_shows_against_a_checkpoint(core):
    await write(core, 3)
    await auditing.sealer(core).all()
    await write(core, 3)
    point = await auditing.checkpoint(core.settings)

    await meddle(core, "delete from log.darkroom_events where notification_id > 3")
    await meddle(core, "delete from log.seals where number > 1")

    assert await verified(core) == []
    assert await verified(core, point) == [(Kind.TRUNCATED, 4)]
    await write(core, 5)
    await auditing.sealer(core).all()
    assert await verified(core, point) == [(Kind.REWRITTEN, 11)]


@pytest.mark.parametrize(
    "forgery",
    [
        "update log.seals set hash = sha256(hash) where number = 2",
        "update log.seals set leaves = set_byte(leaves, 20, 1) where number = 2",
        "update log.seals set signature = set_byte(signature, 1, 1) where number = 2",
        "delete from log.seals where number = 2",
    ],
    ids=["hash", "leaves", "signature", "gone"],
)
async def test_a_seal_that_we_did_not_make_is_named(core, forgery):
    for _ in range(3):
        await write(core, 2)
        await auditing.sealer(core).all()

    await meddle(core, forgery)

    assert (Kind.SEAL_FORGED, 3) in await verified(core)


async def test_two_sealers_seal_each_event_once(core):
    await write(core, 30)
    await asyncio.gather(*(auditing.sealer(core).all() for _ in range(4)))

    rows = await core.database.rows("select number, count from log.seals")
    assert rows == [(1, 30)]


async def test_a_hundred_thousand_events_pass_and_no_meddling_with_them_does(core, capsys):
    await write(core)
    await meddle(core, f"select nextval({SEQUENCE})")
    await meddle(
        core,
        """insert into log.darkroom_events
            (originator_id, originator_version, topic, state, hash)
        select id, 1, topic, state, log.event_hash(id, 1, topic, state) from (
            select gen_random_uuid() as id, topic, state
            from log.darkroom_events, generate_series(1, 100000)) more""",
    )
    await auditing.sealer(core).all()
    verdict = await auditing.verify(core.settings, None, lambda position, head: None)

    assert (verdict.events, verdict.findings) == (100_001, [])
    with capsys.disabled():
        print(f"\naudit verify: {verdict.events / verdict.seconds:,.0f} events/s")

    await flip(core, 77_777)
    await meddle(core, "delete from log.darkroom_events where notification_id = 50000")
    await meddle(
        core,
        "insert into log.darkroom_events (originator_id, originator_version, topic, state,"
        " notification_id) select gen_random_uuid(), 1, topic, state, 2"
        " from log.darkroom_events where notification_id = 1",
    )
    await meddle(core, SWAP.format(60_000, 80_000))
    await meddle(core, "delete from log.darkroom_events where notification_id > 99000")
    assert await verified(core) == [
        (Kind.INSERTED, 2),
        (Kind.REMOVED, 50_000),
        (Kind.REORDERED, 60_000),
        (Kind.CHANGED, 77_777),
        (Kind.REORDERED, 80_000),
        (Kind.TRUNCATED, 99_001),
    ]


async def test_the_audit_log_says_who_did_what_and_nothing_personal(core):
    stream, another = uuid4(), uuid4()
    batch = Batch(stream_id=stream, after=0, events=[initiated(), ImageCleared(scanner="decode")])
    await core.store.append([batch], by=OWNER)
    await core.store.append([Batch(stream_id=another, after=0, events=[initiated()])], by=OWNER)
    purged = Batch(stream_id=stream, after=2, events=[Purged(cause=Cause.RETENTION)])
    await core.store.append([purged], by=NOBODY)
    log = LogEntries(core.log)

    async def found(**asked) -> list[tuple[int, str]]:
        entries, further = await log.page(Filter(**asked), after=0, limit=100)
        assert further is None
        return [(it.position, it.type) for it in entries]

    everything, _ = await log.page(Filter(), after=0, limit=100)
    assert [it.position for it in everything] == [1, 2, 3, 4]
    assert everything[0].actor == to_text("u", OWNER)
    assert everything[3].stream == to_text("img", stream)
    assert everything[3].data == {"cause": "retention"}
    assert b"lake" not in msgspec.json.encode(everything)
    assert await found(actor=NOBODY) == [(4, "image.purged")]
    assert await found(type="image.cleared") == [(2, "image.cleared")]
    assert len(await found(type="image")) == 4
    assert [position for position, _ in await found(stream_id=another)] == [3]
    assert await found(since=now() + HOUR) == await found(type="account") == []
    assert len(await found(since=NOW)) == 4
    first, further = await log.page(Filter(), after=0, limit=3)
    rest, _ = await log.page(Filter(), after=further, limit=3)
    assert [it.position for it in [*first, *rest]] == [1, 2, 3, 4]
    lines = as_csv(everything, header=True).splitlines()
    assert lines[0] == "position,at,actor,type,stream,version,operation,request,data"
    assert lines[4].endswith('"{""cause"": ""retention""}"')


async def test_checkpoints_in_a_locked_bucket_are_out_of_everybodys_reach(core):
    core.settings = replace(core.settings, audit_bucket=f"{core.settings.namespace}-audit")
    bucket = auditing.checkpoints(core)
    await bucket.open()
    try:
        await bucket._client.create_bucket(Bucket=bucket._bucket, ObjectLockEnabledForBucket=True)
        await write(core, 2)
        assert await auditing.keep_checkpoint(core, bucket) == 1
        assert await auditing.keep_checkpoint(core, bucket) == 0

        (found,) = [it async for it in bucket.list("")]
        point = msgspec.json.decode(await bucket.read(found.key), type=Checkpoint)
        versions = await bucket._client.list_object_versions(Bucket=bucket._bucket)
        (version,) = versions["Versions"]
        with pytest.raises(ClientError):
            await bucket._client.delete_object(
                Bucket=bucket._bucket, Key=found.key, VersionId=version["VersionId"]
            )
        assert await verified(core, point) == []
    finally:
        await bucket.close()
