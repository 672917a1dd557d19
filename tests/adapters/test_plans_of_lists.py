"""Every list is read along an index: on 100,000 images no query looks at all of them."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import product
from typing import Any
from uuid import UUID

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.sql import SQL, Identifier

from adapters import counting
from adapters.counting import PostgresCounter
from adapters.database import Database
from adapters.gallery import PostgresGallery
from adapters.search import MOST, PostgresSearch
from commands.counts import Sight
from domain.access import Viewer
from domain.ids import NOBODY as SYSTEM
from domain.ids import AccountId
from projections.gallery import Period, Query, Sort
from settings import Settings
from tests.conftest import installation

OWNERS, EACH = 200, 500
TABLES = (
    *("gallery.images", "gallery.usage", "gallery.tags", "search.texts"),
    *("counting.images", "counting.recent", "development.exposures", "development.prints"),
)
SOMEBODY = AccountId(UUID(int=7))
NOBODY, OWNER = Viewer(account_id=None), Viewer(account_id=SOMEBODY)


class Explained(Database):
    """Notes what each reading statement would do."""

    def __init__(self, conninfo: str) -> None:
        super().__init__(conninfo)
        self.plans: list[str] = []

    async def rows(self, query: str, parameters: Any = (), **how: Any) -> list[Any]:
        async with self.connection() as connection:
            cursor = await connection.execute(f"explain {query}".encode(), parameters)
            self.plans.append("\n".join([row[0] for row in await cursor.fetchall()]))
        return await super().rows(query, parameters, **how)


@pytest.fixture(scope="module")
def settings(service, prepared, tmp_path_factory) -> Settings:
    """One for all of them: none changes what is to be found."""
    made = installation(service, tmp_path_factory.mktemp("plans"), like=prepared)
    asyncio.run(seeded(made))
    return made


async def seeded(settings: Settings) -> None:
    """Images straight in the tables: most are public, each tag is on a few hundred."""
    async with await psycopg.AsyncConnection.connect(
        settings.database_url, autocommit=True
    ) as connection:
        await connection.execute(_IMAGES, {"owners": OWNERS, "each": EACH, "nobody": SYSTEM})
        await connection.execute(_TEXTS)
        await connection.execute("update search.position set position = %s", (4 * OWNERS * EACH,))
        for counts in (_COUNTS, _RECENT, _EXPOSED, _PRINTS):
            await connection.execute(counts)
        for table in TABLES:
            schema, name = table.split(".")
            await connection.execute(SQL("analyze {}").format(Identifier(schema, name)))
        await connection.execute("checkpoint")  # so that the server's end is not kept waiting by it


@pytest.fixture
async def explained(settings):
    database = Explained(settings.database_url)
    await database.open()
    yield database
    await database.close()


LISTS: dict[str, dict[str, Any]] = {
    "newest": {},
    "oldest": {"sort": Sort.OLDEST},
    "largest": {"sort": Sort.LARGEST},
    "by title": {"sort": Sort.TITLE},
    "most viewed": {"sort": Sort.MOST_VIEWED},
    "most viewed of a week": {"sort": Sort.MOST_VIEWED, "period": Period.WEEK},
    "taken in two weeks": {
        "taken_since": datetime(2001, 1, 1, tzinfo=UTC),
        "taken_until": datetime(2001, 1, 15, tzinfo=UTC),
    },
    "of a user": {"owner": SOMEBODY},
    "of a user, most viewed": {"owner": SOMEBODY, "sort": Sort.MOST_VIEWED},
    "with a tag": {"tags": ["tag-3"]},
    "with a common tag": {"tags": ["all"]},
    "with a tag, of a user": {"tags": ["tag-3"], "owner": SOMEBODY},
    "with a word": {"text": "word777"},
    "with a beginning": {"text": "word77"},
    "with two words": {"text": "word777 few"},
    "with a common word": {"text": "all"},
    "with a common word, oldest first": {"text": "all", "sort": Sort.OLDEST},
    "with a common word, largest first": {"text": "all", "sort": Sort.LARGEST},
    "with a common word, by title": {"text": "all", "sort": Sort.TITLE},
    "with a phrase": {"text": '"tag 3"'},
    "with a word, of a user": {"text": "word7", "owner": SOMEBODY},
    "with a rare word and a common tag": {"text": "word777", "tags": ["all"]},
    "with a custom field": {"custom": {"camera": "c7"}},
}


@pytest.mark.parametrize("viewer", [NOBODY, OWNER], ids=["nobody", "an owner"])
async def test_no_list_looks_at_every_image(explained, core, viewer):
    gallery = PostgresGallery(explained, core.store)
    for name, asked in LISTS.items():
        first = await gallery.list(Query(viewer=viewer, **asked))
        assert first.total > 0, name
        if first.next_cursor:
            await gallery.list(Query(viewer=viewer, cursor=first.next_cursor, **asked))
        assert not whole(explained.plans), (name, explained.plans)
        explained.plans.clear()


TEXTS = {
    "a rare word": "word777",
    "a common word": "all",
    "a beginning": "wo",
    "two common words": "png all",
    "rare and common ones": "word7 all few",
    "a phrase": '"tag 3"',
    "a word of many": "few-33",
    "without spaces": "海の朝",
}


@pytest.mark.parametrize("viewer", [NOBODY, OWNER], ids=["nobody", "an owner"])
async def test_every_search_looks_into_the_index(explained, core, viewer):
    search = PostgresSearch(explained, core.store)
    for kind, text in TEXTS.items():
        found = await search.find(text, viewer=viewer, limit=20, page=1)
        assert found.exact == (sum(found.facets["format"].values()) < MOST)
        assert bool(found.facets["format"]) == (kind != "without spaces"), kind
        assert all("Bitmap Index Scan on texts_filed_idx" in it for it in explained.plans[:1]), kind
        assert not whole(explained.plans), (kind, explained.plans)
        explained.plans.clear()


async def test_what_many_viewers_saw_is_written_down_past_no_other_image(explained, core):
    counter = PostgresCounter(core.database, lambda: datetime.now(UTC))
    await counter.load()
    ((image_id,),) = await core.database.rows("select id from gallery.images limit 1")
    look = Sight(image_id=image_id, viewer="", original=False, egress=9)
    for number in range(3_000):
        counter.saw(replace(look, viewer=str(number)))
    batch = counter._batch.parameters() | {"writer": SOMEBODY, "number": 1, **counter._periods()}

    async with core.database.connection() as connection:
        cursor = await connection.execute(f"explain {counting._FLUSH}".encode(), batch)
        assert not whole(["\n".join([row[0] for row in await cursor.fetchall()])])
    await counter.flush()

    counts = "select views, variants from counting.images where image_id = %s"
    (after,) = await core.database.rows(counts, (image_id,))
    assert after[1] == 3_000


async def test_a_total_is_the_number_of_what_the_pages_hold(explained, core):
    gallery = PostgresGallery(core.database, core.store)
    for viewer, owner, tags in product((NOBODY, OWNER), (None, SOMEBODY), ([], ["tag-3"], ["no"])):
        query = Query(viewer=viewer, owner=owner, tags=tags)
        counted = (await gallery.list(replace(query, min_width=1))).total
        assert (await gallery.list(query)).total == counted
    for viewer, text in product((NOBODY, OWNER), ("word777", "word7 all", '"tag 3"', "all", "no")):
        query = Query(viewer=viewer, text=text)
        counted = (await gallery.list(replace(query, min_width=1))).total
        assert (await gallery.list(query)).total == counted


def whole(plans: Sequence[str]) -> list[str]:
    """Those that read a large table from end to end."""
    tables = ("Seq Scan on images", "Seq Scan on texts")
    return [plan for plan in plans if any(table in plan for table in tables)]


_IMAGES = """
    with new as (insert into gallery.images (id, owner_id, uploader_id, version, size, filename,
        expires_at, closed, attempt, format, checksum, width, height, frames, title, description,
        tags, custom, visibility, epoch, cleared, quarantined, taken_down, shares, collaborators,
        albums, created_at, updated_at)
    select gen_random_uuid(), o.id, o.id, 4, 100, 'a.png', now(), false, gen_random_uuid(), 'png',
        'x', 4, 3, 1, 'word' || n %% 1000, '',
        array['tag-' || n %% 300, 'few-' || n %% 7000, 'all'],
        case when n %% 3 = 0 then jsonb_build_object('camera', 'c' || n %% 500) else '{}' end,
        case when n %% 5 = 0 then 'private' else 'public' end, 0, true, false, false, '{}',
        '{}', '{}', now() - n * interval '1 minute', now()
    from generate_series(1, %(owners)s) m
    cross join lateral (select lpad(to_hex(m), 32, '0')::uuid as id) o
    cross join generate_series(1, %(each)s) k cross join lateral (select m * 500 + k as n) n
    returning owner_id, visibility = 'public' as listed, tags),
    tagged as (
        insert into gallery.tags
        select coalesce(owner_id, %(nobody)s), tag, count(*) filter (where listed),
            count(*) filter (where not listed)
        from new cross join unnest(tags) tag group by grouping sets ((owner_id, tag), (tag)))
    insert into gallery.usage
    select coalesce(owner_id, %(nobody)s), count(*), 0, 0, count(*),
        count(*) filter (where listed), count(*) filter (where not listed)
    from new group by grouping sets ((owner_id), ())"""
_TEXTS = """
    insert into search.texts (id, owner_id, filename, title, description, tags, format, created_at,
        arrival, barred)
    select id, owner_id, filename, title, description, tags, format, created_at,
        4 * row_number() over (order by created_at),
        case when visibility = 'public' then '{}' else array['visibility'] end
    from gallery.images"""
_COUNTS = """
    insert into counting.images
    select id, owner_id, (random() * 1000)::int, 0, 0, 0, 0, 0, 0, 0, 0 from gallery.images
    where hashtext(id::text) % 3 = 0"""
_RECENT = """
    insert into counting.recent
    select p, image_id, owner_id, views from counting.images
    cross join unnest(array['day', 'week']) p where views > 500"""
_EXPOSED = """
    insert into development.exposures (id, owner_id)
    select id, owner_id from gallery.images where hashtext(id::text) % 7 = 0"""
_PRINTS = """
    insert into development.prints
    select id, '', '', false, false, true,
        jsonb_build_object('taken_at', to_char(timestamp '2000-01-01'
            + (hashtext(id::text) % 300) * interval '1 week', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')), '{}'
    from development.exposures"""
