"""A rebuild folds streams and copies documents: what comes of it is what following makes."""

import pytest
from msgspec.structs import replace

from adapters.feeding import Feeding
from adapters.read_model import ReadModel
from adapters.rebuild import rebuild
from bootstrap import new_id, seeding
from commands.ports import Batch
from domain.abuse_report import Reason, ReportFiled
from domain.access import Permission, Visibility
from domain.album import AlbumCreated, AlbumLent, AlbumText
from domain.block import BlockAdded, Ground, Manner
from domain.image_events import (
    AddedToAlbum,
    Cause,
    CollaboratorAdded,
    Details,
    DetailsChanged,
    Promised,
    Purged,
    SoftDeleted,
    UploadInitiated,
)
from domain.organization import Name, OrganizationCreated
from projections.projection import ALL
from tests.adapters.test_following import COUNTS, cleared, opened
from tests.spec import FRIEND, LATER, OWNER

ODD = 'tab\there, \\ and "quotes", {braces}, a\nline\r\x01\x7f, a \\. \\n and 😀'


async def write(core, *events, stream=None, after=0):
    stream = stream or new_id()
    await core.store.append([Batch(stream_id=stream, after=after, events=events)], by=OWNER)
    return stream


@pytest.fixture
async def log(core, settings):
    """Something in every kind of stream, and texts that are hard to write down."""
    await seeding.seed(settings, 60, 3, 7, originals=False)
    upload = UploadInitiated(
        owner_id=OWNER,
        size=1,
        content_type="image/png",
        expires_at=LATER,
        personal=Promised(filename=ODD),
    )
    described = DetailsChanged(
        personal=Details(title=ODD, tags=("", ODD, "null"), custom={ODD: ODD, "a": "{}"})
    )
    lent = CollaboratorAdded(account_id=FRIEND, permissions=frozenset(Permission))
    await write(core, upload, described, lent, AddedToAlbum(album_id=new_id()))
    deleted = SoftDeleted(purge_after=LATER)
    await write(core, upload, *[described] * 30, deleted)
    await write(core, upload, deleted, Purged(cause=Cause.RETENTION))
    text = AlbumText(title=ODD)
    created = AlbumCreated(owner_id=OWNER, visibility=Visibility.PRIVATE, personal=text)
    await write(core, created, AlbumLent(account_id=FRIEND, permissions=frozenset(Permission)))
    named = Name(name=ODD)
    await write(
        core, OrganizationCreated(owner_id=OWNER, plan="free", quota_bytes=1, personal=named)
    )
    await write(core, ReportFiled(image_id=new_id(), reason=Reason.SPAM, personal=None))
    ground = Ground(reason=ODD, fingerprint=-(2**63))
    await write(core, BlockAdded(manner=Manner.PERCEPTUAL, personal=ground))
    return core.log


async def rows(core, schema):
    """Of every table, without positions of the log."""
    tables = await core.database.rows(
        "select table_name::text from information_schema.tables where table_schema = %s"
        " and table_name <> 'position' order by 1",
        (schema,),
    )
    return {
        table: await core.database.rows(f"select t::text from {schema}.{table} t order by 1")
        for (table,) in tables
    }


async def indexes(core, schema):
    found = await core.database.rows(
        "select indexname::text, indexdef from pg_indexes where schemaname = %s order by 1",
        (schema,),
    )
    return [(name, text.replace(f"{schema}.", "")) for name, text in found]


async def followed(core, log, projection):
    """The model as a projector makes it, page by page, in a schema of its own."""
    model = ReadModel(projection, f"{projection.name}_followed")
    feeding = Feeding(model, log)
    async with core.database.connection() as connection:
        await model.create(connection)
        while page := await log.recorder.page(feeding.position, 11):
            await feeding.take(connection, page)
    return model.schema


async def test_what_is_folded_is_what_is_followed(core, log, monkeypatch):
    """Row by row, with pages and batches that end in the middle of streams, and longer streams."""
    monkeypatch.setattr("adapters.folding.PAGE", 7)
    monkeypatch.setattr("adapters.folding.BATCH", 5)
    for projection in ALL:
        name, schema = projection.name, await followed(core, log, projection)

        report = await rebuild(projection, log, lambda *_: None)

        expected = await rows(core, schema)
        assert await rows(core, name) == expected, name
        assert expected[projection.table], name
        assert await indexes(core, name) == await indexes(core, schema), name
        query = f"select position from {name}.position"
        assert await core.database.rows(query) == [(await log.head(),)], name
        kinds = [f"{stream}.%" for stream in projection.streams]
        query = "select count(*) from log.darkroom_events where topic like any(%s)"
        assert await core.database.rows(query, (kinds,)) == [(report.events,)], name


async def test_what_the_table_does_not_take_is_put_aside_with_what_follows(core):
    """As far as the document could be saved it is there, and all other streams are."""
    good = [await write(core, opened(), cleared()) for _ in range(3)]
    bad = await write(core, opened(), *[cleared()] * 8)
    good += [await write(core, opened(), cleared()) for _ in range(3)]
    short = replace(COUNTS, name="short", most=5)
    async with core.database.connection() as connection:
        await ReadModel(short).create(connection)

    await rebuild(short, core.log, lambda *_: None)

    found = dict(await core.database.rows("select id, events from short.counts"))
    assert found == dict.fromkeys(good, 2) | {bad: 5}
    parked = await core.database.rows("select stream_id, error from short.parked order by position")
    assert [stream for stream, _ in parked] == [bad] * 4
    assert "CheckViolation" in parked[0][1]
    assert all("earlier event" in error for _, error in parked[1:])


async def test_a_stream_that_goes_on_while_it_is_folded_loses_nothing(core, monkeypatch):
    """What is behind the position that is folded to is taken as a projector takes it."""
    monkeypatch.setattr("adapters.folding.BATCH", 2)
    streams = [await write(core, opened(), cleared()) for _ in range(6)]
    async with core.database.connection() as connection:
        await ReadModel(COUNTS).create(connection)
    versions = dict.fromkeys(streams, 2)
    calls = []

    def killed(*figures):
        calls.append(figures)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await rebuild(COUNTS, core.log, killed)
    for stream in streams:
        await write(core, cleared(), cleared(), stream=stream, after=2)
        versions[stream] = 4

    await rebuild(COUNTS, core.log, lambda *_: None)

    assert dict(await core.database.rows("select id, events from counts.counts")) == versions
    positions = [position for _, position, _ in calls]
    assert positions == sorted(positions)
    assert positions[-1] > 0
