"""What may stand behind the question mark is what the document says."""

import re
from importlib.resources import files

import pytest

from api.queries import QUERIES
from tests.api.test_idempotency import HOOK
from tests.api.test_organizations import found_organization, new_team
from tests.people import expect, refused

READ = re.compile(r'asked\.(?:all|text|one|number|moment|flag|span)\(\s*"(\w+)"(?:, "(\w+)")?')
TYPED = ("enum", "examples", "minimum")


def picky(schema) -> bool:
    return schema["type"] in ("boolean", "integer") or not schema.keys().isdisjoint(TYPED)


CHECKED = [
    (path, parameter["name"])
    for path, parameters in QUERIES.items()
    for parameter in parameters
    if "{" not in path and picky(parameter["schema"])
]
NUMBERS = [
    (path, parameter["name"], parameter["schema"])
    for path, parameters in QUERIES.items()
    for parameter in parameters
    if parameter["schema"]["type"] == "integer"
]


def test_whatever_is_read_is_described():
    sources = [it.read_text() for it in files("api").iterdir() if it.name.endswith(".py")]
    read = {name for source in sources for names in READ.findall(source) for name in names}
    described = {it["name"] for parameters in QUERIES.values() for it in parameters}
    assert read
    assert read - described == {""}


def test_it_stands_in_the_document_once(service):
    paths = expect(service.client().get("/schema/openapi.json"), 200)["paths"]
    for path, parameters in QUERIES.items():
        told = [it["name"] for it in paths[path]["get"]["parameters"] if it["in"] == "query"]
        assert sorted(told) == sorted(it["name"] for it in parameters), path


@pytest.mark.parametrize(("path", "name"), CHECKED, ids=str)
def test_whatever_is_described_is_read(admin, path, name):
    problem = refused(admin.http.get(path, params={name: "\N{SNOWMAN}"}), 422, "validation")
    assert name in {it["field"] for it in problem["errors"]}


@pytest.fixture(scope="module")
def theirs(admin, dot) -> dict[str, str]:
    """An id of each kind that stands in paths, by what it stands behind."""
    post = admin.http.post
    firm = found_organization(admin)
    return {
        "images": admin.upload(dot)["imageId"],
        "users": admin.id,
        "albums": expect(post("/v1/albums", json={"title": "Of numbers"}), 201)["albumId"],
        "webhooks": expect(post("/v1/webhooks", json=HOOK), 201)["webhookId"],
        "orgs": firm["orgId"],
        "teams": new_team(admin, firm)["teamId"],
    }


@pytest.mark.parametrize(
    ("path", "name", "schema"), NUMBERS, ids=[f"{path} {name}" for path, name, _ in NUMBERS]
)
def test_a_number_outside_its_bounds_is_refused_with_them(admin, theirs, path, name, schema):
    before, _, _ = path.partition("/{id}")
    path = path.replace("{id}", theirs.get(before.rpartition("/")[2], ""))
    least, most = schema["minimum"], schema["maximum"]

    for outside in (least - 1, most + 1, 10**30, -(10**30)):
        problem = refused(admin.http.get(path, params={name: outside}), 422, "validation")
        message = f"must be between {least} and {most}"
        assert problem["errors"] == [{"field": name, "message": message}]
    for no in ("1_0", "1.0", "+1", " 1", "\N{ARABIC-INDIC DIGIT ONE}", "9" * 5_000):
        problem = refused(admin.http.get(path, params={name: no}), 422, "validation")
        assert problem["errors"] == [{"field": name, "message": "must be a whole number"}]
    for inside in {least, most} if path not in ("/oembed", "/v1/events") else ():
        expect(admin.http.get(path, params={name: inside}), 200)


@pytest.mark.parametrize(
    ("path", "first", "last"),
    [
        *((path, "from", "to") for path in ("/v1/images", "/v1/reports/usage")),
        ("/v1/images", "takenFrom", "takenTo"),
    ],
)
def test_what_ends_before_it_begins_is_refused(admin, path, first, last):
    asked = {first: "2026-02-01", last: "2026-01-31T23:59:59Z"}
    problem = refused(admin.http.get(path, params=asked), 422, "validation")
    ((field, message),) = [(it["field"], it["message"]) for it in problem["errors"]]
    assert field == last
    assert message.startswith(f"must not be before {first}")
    same = expect(admin.http.get(path, params={first: "2026-02-01", last: "2026-02-01"}), 200)
    assert same.get("images", same.get("lines")) == []
