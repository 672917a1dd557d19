"""What was ever stored or told can be read for ever: files of each form, and nothing else.

Where a test says that a form is missing, run `python -m tests.golden.forms` and look at the
difference: a new file, or one more form in a file, is right; a change to what was there is not.
"""

import msgspec
import pytest

from domain.catalogue import EVENTS
from domain.retired import RETIRED, stored_as, upcast
from projections.event_schemas import schemas
from tests.golden.forms import FOLDER, RELEASED, SCHEMA, digest, examples, kept, read, written

NAMES = sorted({it.stem for it in FOLDER.glob("*.*.json")} | EVENTS.keys())


@pytest.mark.parametrize("name", NAMES)
def test_every_stored_form_is_read_as_ever(name):
    for form in kept(name):
        now = read(name, form.stored, form.personal)
        assert holds(now.read, form.read), "it says something else now"
        assert holds(now.told, form.told), "subscribers are told something else now"


@pytest.mark.parametrize("name", EVENTS)
def test_what_is_stored_now_has_a_file(name):
    there = {(it.stored, it.personal) for it in kept(name)}
    for event in examples(name):
        form = written(event, name)
        assert (form.stored, form.personal) in there, f"{event}: see this file's beginning"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_told_is_what_the_schema_says(name):
    known = {"string": str, "integer": int, "boolean": bool, "array": list, "null": type(None)}
    for form in kept(name):
        schema, data = schemas()["data"][form.told["type"]], form.told["data"]
        assert set(schema["required"]) <= data.keys() <= schema["properties"].keys()
        for field, value in data.items():
            said = schema["properties"][field]
            kinds = [it.get("type", "object") for it in said.get("anyOf", [said])]
            if "object" not in kinds:
                assert isinstance(value, tuple(known[it] for it in kinds)), field
            assert not ("format" in said and str(value).startswith(("img_", "alb_", "u_"))), field


@pytest.mark.parametrize("name", RETIRED)
def test_what_is_retired_is_understood_as_something_newer(name):
    assert name not in EVENTS, "its tag is taken for ever"
    assert kept(name)
    for form in kept(name):
        event = upcast(msgspec.msgpack.decode(bytes.fromhex(form.stored), type=RETIRED[name]))
        assert type(event) in EVENTS.values()
        assert name in stored_as(form.told["type"]), "found by the type that it has now"


def test_a_webhook_that_was_rewound_goes_on_behind_the_position_before():
    (form,) = kept("webhook.rewound")
    assert form.told["type"] == "webhook.turned-back"
    assert form.read["after"] == 6, "it began with position 7"


def test_no_form_that_was_released_is_gone_or_changed():
    there = {f"{digest(form)} {name}" for name in NAMES for form in kept(name)}
    assert set(RELEASED.read_text().splitlines()) == there


def test_the_schema_keeps_what_it_promised():
    promised = msgspec.json.decode(SCHEMA.read_bytes())
    now = msgspec.json.decode(msgspec.json.encode(schemas()))

    assert now["data"].keys() == promised["data"].keys(), "see this file's beginning"
    for name, schema in promised["data"].items():
        assert holds(now["data"][name]["properties"], schema["properties"]), name
        assert set(now["data"][name]["required"]) >= set(schema["required"]), name
    assert holds(now["event"], promised["event"])


def test_an_event_of_which_nothing_is_kept_would_be_missed(monkeypatch, tmp_path):
    monkeypatch.setattr("tests.golden.forms.FOLDER", tmp_path)

    with pytest.raises(AssertionError, match="beginning"):
        test_what_is_stored_now_has_a_file("image.finalized")


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ({}, {"a": 1}),
        ({"a": 2}, {"a": 1}),
        ({"a": [1, 3]}, {"a": [1, 2]}),
        ({"a": {}}, {"a": {"b": 1}}),
    ],
)
def test_a_difference_is_seen(now, then):
    assert not holds(now, then)
    assert holds(then | {"new": 1}, then)


def holds(now, then) -> bool:
    """Whether everything that was said is still said; more may be."""
    if isinstance(then, dict):
        return isinstance(now, dict) and all(
            key in now and holds(now[key], value) for key, value in then.items()
        )
    if isinstance(then, list):
        return isinstance(now, list) and all(it in now for it in then)
    return now == then
