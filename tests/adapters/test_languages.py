"""Languages by setting: words are found in their other forms, and nothing is lost of any other."""

import pytest
from msgspec.structs import replace

from adapters.search import PostgresSearch
from bootstrap import upkeep
from tests.adapters.test_search_contract import World

SAID = {
    "alps": {"title": "Wanderungen in den Bergen"},
    "trees": {"title": "Running through the woods", "description": "Es war einmal"},
    "japan": {"title": "京都の写真"},
    "tree": {"title": "\u0401\u043b\u043a\u0430"},
    "light": {"title": "Gece I\u015f\u0131\u011f\u0131"},
}
FORMS = {"wanderung": {"alps"}, "berge": {"alps"}, "ran": set(), "runs wood": {"trees"}}
ALWAYS = {
    "\u0435\u043b\u043a\u0430": {"tree"},
    "\u0131\u015f\u0131\u011f\u0131": {"light"},
    "Wanderungen": {"alps"},
    "in den": {"alps"},
    "写真": {"japan"},
    '"the woods"': {"trees"},
}


@pytest.fixture
async def world(core):
    made = World(core)
    made.engine = PostgresSearch(core.database, core.store)
    for name, said in SAID.items():
        await made.upload(name, **said)
    await made.project()
    return made


async def found(world, texts):
    return {text: await world.found(text) for text in texts}


async def test_other_forms_are_found_once_their_language_is_set(world, core):
    assert await found(world, ALWAYS) == ALWAYS
    assert await world.found("runs wood") == set()

    await upkeep.prepare(replace(core.settings, search_languages="deu, eng,jpn"))

    assert await found(world, ALWAYS | FORMS) == ALWAYS | FORMS
    (hit,) = (await world.find("runs wood")).hits
    assert hit.highlights == {"title": "<mark>Running</mark> through the <mark>woods</mark>"}
    for phrase in ('"the wood"', '"woods run"', '"woods running"'):
        assert await world.found(phrase) == set(), "a phrase stands as it is"


async def test_only_other_languages_make_the_index_anew(core, settings):
    async def table():
        return await core.database.rows("select 'search.texts'::regclass::oid")

    first = await table()
    await upkeep.prepare(settings)
    assert await table() == first

    for languages in ("fra", "fra,jpn", "fra,eng"):
        await upkeep.prepare(replace(settings, search_languages=languages))
    second = await table()
    assert second != first
    await upkeep.prepare(replace(settings, search_languages="fra,eng"))
    assert await table() == second
