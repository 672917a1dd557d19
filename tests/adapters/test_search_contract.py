"""One contract of search on every engine: Postgres, Meilisearch where one is named, a stand-in."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from adapters import conditions, gallery, meili_documents
from adapters.gallery import PostgresGallery
from adapters.meili import LATER, Meili
from adapters.meili_index import PAGE, Indexer
from adapters.meili_search import MeiliSearch
from adapters.read_model import ReadModel
from adapters.rebuild import rebuild
from adapters.search import PostgresSearch
from adapters.search_fallback import FallingBack
from api.bodies import MAX_TAG, MAX_TAGS
from commands.ports import Batch
from domain import image_events
from domain.access import Permission, Viewer, Visibility
from domain.ids import AccountId, ImageId
from domain.image_events import Details, Promised
from domain.media import Content, Format
from domain.refusals import Unavailable
from projections.gallery import Card, Query, Sort
from projections.projection import PROJECTIONS
from tests.meili import Index, Meilisearch
from tests.searches import FOUND, IMAGES
from tests.spec import ATTEMPT, SHARE
from tests.spec import LATER as EXPIRY

ANN, BEN, EVE = (AccountId(uuid4()) for _ in range(3))


class World:
    """An installation with images in its log and its read models; whoever searches, as it is."""

    def __init__(self, core) -> None:
        self.core = core
        self.ids: dict[str, ImageId] = {}
        self.engine: Any = None
        self.indexer: Indexer | None = None
        self.server: Meilisearch | None = None

    async def upload(self, name: str, **said: Any) -> None:
        id = self.ids[name] = ImageId(uuid4())
        filename = said.pop("filename", f"x{len(self.ids)}.png")
        visibility = said.pop("visibility", Visibility.PUBLIC)
        await self.write(
            name,
            image_events.UploadInitiated(
                owner_id=ANN,
                size=9,
                content_type="image/png",
                expires_at=EXPIRY,
                personal=Promised(filename=filename),
            ),
            image_events.ImageFinalized(
                attempt=ATTEMPT,
                format=Format.PNG,
                size=9,
                visibility=visibility,
                personal=Content(checksum=id.hex * 2, width=4, height=3, frames=1),
            ),
            image_events.ImageCleared(scanner="decode"),
            image_events.DetailsChanged(personal=Details(**said)),
        )

    async def write(self, name: str, *events: Any) -> None:
        id = self.ids[name]
        after = len(await self.core.store.load(id))
        await self.core.store.append([Batch(stream_id=id, after=after, events=events)], by=ANN)

    async def project(self) -> None:
        async with self.core.database.connection() as connection:
            for name in ("gallery", "search"):
                model = ReadModel(PROJECTIONS[name])
                at = await model.position(connection)
                page = await self.core.log.recorder.page(at, 10_000)
                if page:
                    events = await self.core.log.opened(page)
                    await model.apply(connection, events, after=at, upto=page[-1].id)

    async def known(self) -> None:
        """By every read model, and by the engine."""
        await self.project()
        if self.indexer:
            while await self.indexer.work():
                pass

    async def rebuild(self) -> None:
        if self.indexer:
            assert await self.indexer.rebuild() == len(IMAGES)
            return
        await rebuild(PROJECTIONS["search"], self.core.log, lambda *_: None)

    async def found(self, text: str, viewer: AccountId | None = EVE, **asked: Any) -> set[str]:
        hits = await self.find(text, viewer, **asked)
        names = {id: name for name, id in self.ids.items()}
        return {names[hit.exhibit.card.id] for hit in hits.hits}

    async def find(self, text, viewer=EVE, *, limit=50, page=1):
        who = Viewer(account_id=viewer)
        return await self.engine.find(text, viewer=who, limit=limit, page=page)


REAL = ["meilisearch"] if os.environ.get("DARKROOM_MEILI_URL") else []
MEILISEARCHES = ["stand-in", *REAL]


@asynccontextmanager
async def searching(core, engine: str) -> AsyncIterator[World]:
    made = World(core)
    if engine == "postgres":
        made.engine = PostgresSearch(core.database, core.store)
        yield made
        return
    uid = f"{core.settings.namespace}-images"
    with Meilisearch() as server:
        url, key = server.url, server.key
        if engine == "meilisearch":
            url = os.environ["DARKROOM_MEILI_URL"]
            key = os.environ.get("DARKROOM_MEILI_KEY", "")
        meili = Meili(f"{url}/", key, timeout=LATER)  # people write it so
        configuration = meili_documents.settings({"ozean": ["see"]}, [])
        made.indexer = Indexer(meili, uid, core.database, configuration)
        made.engine = MeiliSearch(meili, uid, core.database, core.store)
        made.server = server
        yield made
        assert server.refusals == []
        if engine == "meilisearch":
            await meili.done([await meili.client(lambda it: it.delete_index(uid))])


async def filled(world: World) -> World:
    for name, said in IMAGES.items():
        await world.upload(name, **said)
    await world.known()
    return world


@pytest.fixture(params=["postgres", *MEILISEARCHES])
async def full(request, core) -> AsyncIterator[World]:
    async with searching(core, request.param) as world:
        yield await filled(world)


@pytest.fixture(params=MEILISEARCHES)
async def meili(request, core) -> AsyncIterator[World]:
    async with searching(core, request.param) as world:
        yield await filled(world)


@pytest.fixture
async def stand_in(core) -> AsyncIterator[World]:
    """Of which we see what it is asked, and may break it."""
    async with searching(core, "stand-in") as world:
        yield await filled(world)


async def test_queries_find_what_they_should(full):
    found = {text: await full.found(text) for text, _ in FOUND}

    assert found == dict(FOUND)


@pytest.mark.parametrize("sort", [Sort.NEWEST, Sort.TITLE, Sort.MOST_VIEWED])
@pytest.mark.parametrize(("few", "soon"), [(0, 1), (0, gallery.SOON), (conditions.FEW, 0)])
async def test_lists_with_words_hold_the_same(stand_in, monkeypatch, few, soon, sort):
    """However they are read: past all images, past one and then from the matches, or from these."""
    monkeypatch.setattr(conditions, "FEW", few)
    monkeypatch.setattr(gallery, "SOON", soon)
    lists = PostgresGallery(stand_in.core.database, stand_in.core.store)
    names = {id: name for name, id in stand_in.ids.items()}
    lent = image_events.CollaboratorAdded(account_id=BEN, permissions=frozenset({Permission.VIEW}))
    await stand_in.write("hidden", lent)
    await stand_in.known()

    async def listed(text: str, viewer: AccountId | None) -> set[str]:
        asked = Query(viewer=Viewer(account_id=viewer), text=text, limit=2, sort=sort)
        page = await lists.list(asked)
        found, total = [it.card.id for it in page.exhibits], page.total
        while page.next_cursor:
            page = await lists.list(replace(asked, cursor=page.next_cursor))
            found += [it.card.id for it in page.exhibits]
        assert len(found) == total == len(set(found))
        return {names[id] for id in found}

    said = {text: await listed(text, EVE) for text, _ in FOUND if text}
    assert said == {text: found for text, found in FOUND if text}
    assert await listed("sommerurlaub", None) == {"sea"}
    assert await listed("sommerurlaub", BEN) == {"sea", "hidden"}
    assert await listed("sommerurlaub", ANN) == {"sea", "hidden", "unlisted"}


async def test_everybody_finds_what_they_may_see(full):
    assert await full.found("sommerurlaub", None) == {"sea"}
    assert await full.found("sommerurlaub", ANN) == {"sea", "hidden", "unlisted"}
    lent = image_events.CollaboratorAdded(account_id=BEN, permissions=frozenset({Permission.VIEW}))
    shared = image_events.ShareLinkCreated(
        share_id=SHARE,
        permissions=frozenset({Permission.VIEW}),
        expires_at=EXPIRY.replace(year=2100),
        shared_with=BEN,
    )
    await full.write("hidden", lent)
    await full.write("unlisted", shared)
    await full.known()

    assert await full.found("sommerurlaub", BEN) == {"sea", "hidden", "unlisted"}
    assert await full.found("sommerurlaub", EVE) == {"sea"}


async def test_what_is_hidden_is_hidden_before_anybody_has_heard_of_it(full):
    """The event is in the log; no read model and no index knows it."""
    private = image_events.VisibilityChanged(visibility=Visibility.PRIVATE)
    await full.write("sea", private)
    await full.project()

    assert await full.found("sommerurlaub") == set()
    hits = await full.find("sommerurlaub")
    assert hits.total == 0


async def test_what_changes_is_found_as_it_is_now(full):
    await full.write("sea", image_events.DetailsChanged(personal=Details(title="Herbst am Meer")))
    await full.write("snow", image_events.SoftDeleted(purge_after=EXPIRY))
    await full.known()

    assert await full.found("herbst") == {"sea"}
    assert await full.found("sommerurlaub") == set()
    assert await full.found("storm") == set()


async def test_hits_are_marked_and_counted(full):
    hits = await full.find("see")

    assert hits.total == 2
    marked = {hit.exhibit.card.title: hit.highlights for hit in hits.hits}
    assert marked["Sommerurlaub am See"] == {"title": "Sommerurlaub am <mark>See</mark>"}
    assert hits.hits[0].exhibit.card.title == "Sommerurlaub am See"
    assert hits.facets["format"] == {"png": 2}
    assert hits.facets["tags"] == {"urlaub": 1, "wasser": 1}
    assert list(hits.facets["year"].values()) == [2]


async def test_what_people_wrote_is_no_markup(full):
    evil = '<b>"see"</b> & <mark>'
    await full.write("alps", image_events.DetailsChanged(personal=Details(title=evil)))
    await full.known()

    hits = await full.find("see", page=1)
    marked = next(it.highlights for it in hits.hits if it.exhibit.card.title == evil)
    assert "<b>" not in marked["title"]
    assert marked["title"].count("<mark>") == 1


async def test_what_is_found_without_its_accents_is_marked_with_them(full):
    (hit,) = (await full.find("eclair CAFE")).hits
    assert hit.highlights == {"title": "<mark>Éclair</mark> au <mark>café</mark>"}


async def test_pages_follow_one_another(full):
    whole = await full.find("golden")
    one, other = [await full.find("golden", limit=1, page=page) for page in (1, 2)]

    assert [it.exhibit.card.id for it in [*one.hits, *other.hits]] == [
        it.exhibit.card.id for it in whole.hits
    ]
    assert one.total == other.total == 2
    assert (await full.find("golden", limit=1, page=9)).hits == []


async def test_a_purged_image_is_not_in_it(meili):
    await meili.indexer.forget([meili.ids["sea"]])

    assert await meili.found("sommerurlaub") == set()


async def test_typos_and_synonyms_are_found(meili):
    assert await meili.found("stramd") == {"party"}
    assert await meili.found("ozean") == {"sea", "alps"}


async def test_typos_are_what_the_settings_make_of_them(stand_in):
    strict = {"typoTolerance": {"enabled": False}}
    await stand_in.indexer._do(stand_in.indexer._uid, [lambda it: it.update_settings(strict)])
    assert await stand_in.found("sommerurlaup") == set()

    stand_in.indexer._checked = False
    await stand_in.known()
    assert await stand_in.found("sommerurlaup") == {"sea"}, "an index set up otherwise is made anew"


async def test_every_query_is_limited_to_its_tenant(stand_in):
    await stand_in.found("see", None)
    await stand_in.found("see", BEN)

    asked = [body["filter"] for _, path, body in stand_in.server.asked if path.endswith("/search")]
    assert asked[-2:] == [["audience IN [public]"], [f"audience IN [public, u{BEN.hex}]"]]


async def test_a_rebuild_loses_no_hit_at_any_moment(full):
    missing = []
    done = asyncio.Event()

    async def look() -> None:
        while not done.is_set():
            if await full.found("sommerurlaub") != {"sea"}:
                missing.append(1)

    looking = [asyncio.create_task(look()) for _ in range(3)]
    for number in range(3):
        said = Details(title=f"Alp {number}")
        await full.write("alps", image_events.DetailsChanged(personal=said))
        await full.project()
        await full.rebuild()
    done.set()
    await asyncio.gather(*looking)
    await full.known()

    assert missing == []
    assert await full.found("alp") == {"alps"}


async def test_what_changes_during_a_rebuild_is_not_lost(meili):
    await meili.upload("late", title="Spätzug")
    await meili.project()
    began = await meili.indexer.rebuild(lambda _: None)
    await meili.upload("later", title="Nachtzug")
    await meili.known()

    assert began == len(IMAGES) + 1
    assert await meili.found("spätzug") == {"late"}
    assert await meili.found("nachtzug") == {"later"}


async def test_rebuilds_at_once_and_what_follows_lose_nothing(stand_in):
    one = stand_in.indexer
    each = (one, Indexer(one._meili, one._uid, stand_in.core.database, one._settings))
    for number in range(3):
        said = Details(title=f"Alp {number}")
        await stand_in.write("alps", image_events.DetailsChanged(personal=said))
        await stand_in.project()
        done = await asyncio.gather(*(it.rebuild() for it in each), *(it.work() for it in each))
        assert done[:2] == [len(IMAGES)] * 2
        await stand_in.known()

        assert await stand_in.found(f"alp {number}") == {"alps"}
        assert await stand_in.found("sommerurlaub") == {"sea"}
        assert len(stand_in.server.index(one._uid).documents) == len(IMAGES)


async def test_a_wiped_index_is_made_anew(stand_in):
    stand_in.server.indexes.clear()
    with pytest.raises(Unavailable):
        await stand_in.find("see")
    await stand_in.upload("new", title="Neuschnee")
    await stand_in.known()
    stand_in.indexer._checked = False
    await stand_in.known()

    assert await stand_in.found("see") == {"sea", "alps"}
    assert await stand_in.found("neuschnee") == {"new"}


async def test_an_index_is_in_its_place_when_it_is_full(stand_in):
    stand_in.server.indexes.clear()
    stand_in.server.asked.clear()
    await stand_in.rebuild()

    made = [
        body["uid"] if path == "/indexes" else path.rpartition("/")[2]
        for method, path, body in stand_in.server.asked
        if (method, path) == ("POST", "/indexes") or path.endswith(("/documents", "/swap-indexes"))
    ]
    uid = stand_in.indexer._uid
    assert made == [f"{uid}-next", "documents", uid, "swap-indexes"]


async def test_an_index_without_settings_leaves_it_to_postgres(stand_in):
    stand_in.server.indexes[stand_in.indexer._uid] = Index(stand_in.indexer._uid, "id")
    with pytest.raises(Unavailable):
        await stand_in.find("see")
    assert "not filterable" in stand_in.server.refusals.pop()


async def test_so_does_a_server_that_knows_another_key(stand_in):
    core, server = stand_in.core, stand_in.server
    stranger = MeiliSearch(Meili(server.url, "old"), "i", core.database, core.store)
    with pytest.raises(Unavailable):
        await stranger.find("see", viewer=Viewer(account_id=EVE), limit=5, page=1)
    assert "API key" in server.refusals.pop()


def test_no_page_of_documents_is_more_than_a_server_takes():
    longest = Card(
        **{"id": ImageId(uuid4()), "owner_id": ANN, "uploader_id": ANN, "version": 4, "size": 9},
        **{"attempt": ATTEMPT, "filename": "\u65e5" * 255, "title": "\u65e5" * 300},
        **{"description": "\u65e5" * 5_000, "tags": ["\u65e5" * MAX_TAG] * MAX_TAGS},
        **{"expires_at": EXPIRY, "created_at": EXPIRY, "updated_at": EXPIRY},
    )
    assert len(json.dumps(meili_documents.document(longest))) * PAGE < 100_000_000


def test_an_index_is_told_of_languages_that_there_are():
    told = meili_documents.settings({}, ["deu", "gle", "jpn"])["localizedAttributes"]
    assert told == [{"attributePatterns": list(meili_documents.FIELDS), "locales": ["deu", "jpn"]}]
    assert meili_documents.settings({}, ["gle"])["localizedAttributes"] is None


HALF = {"hits": [{"id": "0"}], "totalHits": 1}
BROKEN = [
    (200, b"<html>somebody else</html>"),
    (200, b'{"hits": ['),
    (200, json.dumps(HALF).encode()),
    (200, b"[]"),
    (200, b""),
    (400, b'{"message": "no", "code": "invalid_search_q", "type": "invalid_request", "link": ""}'),
    (422, b'{"message": "full", "code": "no_space_left_on_device", "type": "system", "link": ""}'),
    (502, b"Bad Gateway"),
]


@pytest.mark.parametrize("answer", BROKEN)
async def test_what_is_no_answer_leaves_it_to_postgres(stand_in, answer):
    core = stand_in.core
    whole = FallingBack(stand_in.engine, PostgresSearch(core.database, core.store))
    stand_in.server.broken = answer
    hits = await whole.find("see", viewer=Viewer(account_id=EVE), limit=5, page=1)

    assert (hits.engine, hits.fallback, hits.total) == ("postgres", True, 2)


async def test_signs_are_marked_and_facets_are_what_was_written(full):
    (hit,) = (await full.find("夕日 タワー")).hits
    assert hit.highlights == {"title": "東京<mark>タワー</mark>2024年の<mark>夕日</mark>🌅と写真"}
    assert (await full.find("sunset beach")).facets["tags"] == {"🐈\u200d⬛cat": 1}


async def test_where_it_is_down_postgres_answers_and_says_so(meili):
    core = meili.core
    plain = PostgresSearch(core.database, core.store)
    whole = FallingBack(meili.engine, plain)
    both = [await whole.find("see", viewer=Viewer(account_id=EVE), limit=5, page=1)]
    dead = MeiliSearch(Meili("http://127.0.0.1:1", "x"), "i", core.database, core.store)
    broken = FallingBack(dead, plain)
    both.append(await broken.find("see", viewer=Viewer(account_id=EVE), limit=5, page=1))

    assert [(it.engine, it.fallback) for it in both] == [
        ("meilisearch", False),
        ("postgres", True),
    ]
    found = [{it.exhibit.card.id for it in hits.hits} for hits in both]
    assert found[0] == found[1]
