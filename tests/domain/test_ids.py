import os
from datetime import timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.ids import from_text, to_text, uuid7
from tests.spec import NOW


@given(st.uuids())
def test_an_id_survives_its_text(id):
    assert from_text("img", to_text("img", id)) == id
    assert from_text("upl", to_text("img", id)) is None


@given(st.text(max_size=40))
def test_any_text_is_an_id_or_none(text):
    found = from_text("img", text)
    assert found is None or to_text("img", found) == text


@given(st.lists(st.uuids(), min_size=2))
def test_texts_are_ordered_like_their_ids(ids):
    texts = [to_text("u", id) for id in ids]
    assert sorted(texts) == [to_text("u", id) for id in sorted(ids)]


def test_uuids_are_version_7_ordered_by_time_and_full_of_entropy():
    first, second = uuid7(NOW, os.urandom(10)), uuid7(NOW + timedelta(milliseconds=1), bytes(10))
    assert first.version == 7
    assert first.variant == UUID(int=0, version=4).variant
    assert first < second
    assert len({uuid7(NOW, os.urandom(10)) for _ in range(1000)}) == 1000
