"""What may stand behind the question mark is what the document says."""

import re
from importlib.resources import files

import pytest

from api.queries import QUERIES
from tests.people import expect, refused

READ = re.compile(r'asked\.(?:all|text|one|number|moment|flag)\(\s*"(\w+)"')
TYPED = ("enum", "examples", "minimum")


def picky(schema) -> bool:
    return schema["type"] in ("boolean", "integer") or not schema.keys().isdisjoint(TYPED)


CHECKED = [
    (path, parameter["name"])
    for path, parameters in QUERIES.items()
    for parameter in parameters
    if "{" not in path and picky(parameter["schema"])
]


def test_whatever_is_read_is_described():
    sources = [it.read_text() for it in files("api").iterdir() if it.name.endswith(".py")]
    read = {name for source in sources for name in READ.findall(source)}
    described = {it["name"] for parameters in QUERIES.values() for it in parameters}
    assert read
    assert read - described == set()


def test_it_stands_in_the_document_once(service):
    paths = expect(service.client().get("/schema/openapi.json"), 200)["paths"]
    for path, parameters in QUERIES.items():
        told = [it["name"] for it in paths[path]["get"]["parameters"] if it["in"] == "query"]
        assert sorted(told) == sorted(it["name"] for it in parameters), path


@pytest.mark.parametrize(("path", "name"), CHECKED, ids=str)
def test_whatever_is_described_is_read(admin, path, name):
    problem = refused(admin.http.get(path, params={name: "\N{SNOWMAN}"}), 422, "validation")
    assert name in {it["field"] for it in problem["errors"]}
