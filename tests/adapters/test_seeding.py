"""A seeded log is one like any other: every read model takes it, every original is there."""

import pytest

from adapters.gallery import PostgresGallery
from bootstrap import auditing, seeding
from bootstrap.upkeep import rebuild
from commands.ports import StreamMoved
from domain.access import Viewer
from projections.gallery import Query


async def test_it_is_a_log_like_any_other(core, settings):
    made = await seeding.seed(settings, 250, 3, 7)
    await rebuild(settings, ["gallery", "accounts", "search"], lambda *_: None)

    assert (made.images, made.owners) == (250, 3)
    gallery = PostgresGallery(core.database, core.store)
    page = await gallery.list(Query(viewer=Viewer(account_id=None), limit=100))
    assert 100 < page.total < 250
    cards = [exhibit.card for exhibit in page.exhibits]
    assert len({card.title for card in cards}) > 20
    assert len({card.owner_id for card in cards}) == 3
    assert all(card.tags for card in cards)
    for card in cards[:5]:
        assert (await core.objects.head(card.original)).size == card.size
    rows = await core.database.rows(
        "select u.used, sum(i.size) from log.account_usage u join gallery.images i"
        " on i.owner_id = u.account_id group by u.account_id, u.used"
    )
    assert len(rows) == 3
    assert all(used == stored for used, stored in rows)
    tags = await core.database.rows(_TAGS)
    assert tags == await core.database.rows("select * from gallery.tags order by 1, 2")
    verdict = await auditing.verify(settings, None, lambda position, head: None)
    assert verdict.findings == []


async def test_the_same_seed_is_sown_once(core, settings):
    await seeding.seed(settings, 10, 2, 7, originals=False)
    with pytest.raises(StreamMoved):
        await seeding.seed(settings, 10, 2, 7, originals=False)
    await seeding.seed(settings, 10, 2, 8, originals=False)

    rows = await core.database.rows("select count(*) from log.darkroom_events")
    assert rows == [(2 * (10 * 4 + 2 * 3),)]


_TAGS = """
    select coalesce(owner_id, '00000000-0000-0000-0000-000000000000'), tag,
        count(*) filter (where visibility = 'public'),
        count(*) filter (where visibility <> 'public')
    from gallery.images cross join unnest(tags) tag
    group by grouping sets ((owner_id, tag), (tag)) order by 1, 2"""
