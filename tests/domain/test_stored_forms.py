"""Every event there is can be found by its tag, stored and read again."""

import msgspec
import pytest

from domain.catalogue import EVENTS, PERSONAL, stream_of


@pytest.mark.parametrize("name", EVENTS)
def test_tags_say_stream_and_fact(name):
    stream, _, fact = name.partition(".")
    assert (
        stream_of(name)
        == stream
        in {
            *("image", "account", "album", "claim", "operation", "organization"),
            *("block", "report", "statement", "upkeep", "webhook"),
        }
    )
    assert fact == fact.lower()
    assert EVENTS[name].__struct_config__.frozen


@pytest.mark.parametrize("name", PERSONAL)
def test_personal_content_may_be_gone(name):
    field = next(f for f in msgspec.structs.fields(EVENTS[name]) if f.name == "personal")
    assert msgspec.convert(None, field.type) is None


def test_no_event_carries_personal_content_in_the_clear():
    clear = {field.name for kind in EVENTS.values() for field in msgspec.structs.fields(kind)} - {
        "personal"
    }
    assert not clear & {"filename", "title", "description", "tags", "email", "username", "checksum"}
