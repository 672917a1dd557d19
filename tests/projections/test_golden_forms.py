"""What was ever stored or told can be read for ever: files of each form, and nothing else.

Where a test says that a form is missing, run `python -m tests.golden.forms` and look at the
difference: a new file, or one more form in a file, is right; a change to what was there is not.
"""

import msgspec
import pytest

from domain.catalogue import EVENTS
from projections.feed import schemas
from tests.golden.forms import FOLDER, RELEASED, SCHEMA, digest, examples, kept, read, written

NAMES = sorted({it.stem for it in FOLDER.glob("*.*.json")} | EVENTS.keys())


@pytest.mark.parametrize("name", NAMES)
def test_every_stored_form_is_read_as_ever(name):
    for form in kept(name):
        now = read(name, form.stored, form.personal)
        assert holds(now.read, form.read), "it says something else now"
        assert holds(now.told, form.told), "subscribers are told something else now"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_stored_now_has_a_file(name):
    there = {(it.stored, it.personal) for it in kept(name)}
    for event in examples(name):
        form = written(event, name)
        assert (form.stored, form.personal) in there, f"{event}: see this file's beginning"


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
