"""What tus clients say in headers: pure parsing."""

import base64
import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.exceptions import ClientException

from api import tus_headers
from domain.access import Visibility
from domain.refusals import Validation
from tests.tus import encoded, metadata

keys = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=","), min_size=1
)


@given(st.dictionaries(keys, st.text()))
def test_whatever_is_said_is_understood(said):
    assert tus_headers.pairs(metadata(**said)) == said


@given(st.text())
def test_whatever_is_said_wrongly_is_a_refusal(header):
    with contextlib.suppress(Validation):
        assert tus_headers.said(header).filename


def test_a_key_may_stand_alone():
    assert tus_headers.pairs("flag,title YQ==, other Yg==") == {
        "flag": "",
        "title": "a",
        "other": "b",
    }


def test_everything_of_an_image_can_be_said():
    said = tus_headers.said(
        metadata(
            filename="../ä.jpg",
            filetype="image/jpeg",
            sha256="ab" * 32,
            finalize="true",
            title="Lake",
            description="Deep",
            tags="water, blue,,",
            visibility="public",
            custom='{"camera": "X"}',
            albumId="alb_1",
        )
    )

    assert (said.filename, said.content_type, said.sha256) == ("ä.jpg", "image/jpeg", "ab" * 32)
    assert said.finalize
    assert said.describing.title == "Lake"
    assert said.describing.description == "Deep"
    assert said.describing.tags == ["water", "blue"]
    assert said.describing.visibility is Visibility.PUBLIC
    assert said.describing.custom == {"camera": "X"}


def test_uppys_names_are_understood_and_nonsense_types_are_not():
    said = tus_headers.said(metadata(name="a.png", type="image/png"))
    nonsense = tus_headers.said(metadata(filetype="image/png\r\nX: y"))

    assert (said.filename, said.content_type) == ("a.png", "image/png")
    assert (nonsense.filename, nonsense.content_type) == ("image", "application/octet-stream")
    assert not said.finalize


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sha256", "AB" * 32),
        ("title", "x" * 301),
        ("visibility", "secret"),
        ("custom", "[1]"),
        ("custom", "{"),
        ("tags", ",".join(f"t{n}" for n in range(51))),
    ],
)
def test_a_wrong_field_is_named(field, value):
    with pytest.raises(Validation) as refused:
        tus_headers.said(metadata(**{field: value}))

    assert [error["field"] for error in refused.value.facts["errors"]] == [field]


def test_a_checksum_has_an_algorithm_and_a_digest():
    assert tus_headers.checksum(None) is None
    found = tus_headers.checksum(f"sha1 {encoded(b'digest')}")
    assert found is not None
    assert (found.algorithm, found.digest) == ("sha1", b"digest")


@given(st.text())
def test_a_checksum_of_any_other_form_is_the_clients_mistake(header):
    with contextlib.suppress(ClientException):
        found = tus_headers.checksum(header)
        assert found is not None
        assert found.algorithm in tus_headers.ALGORITHMS


def test_dates_are_those_of_http():
    moment = datetime(2026, 1, 2, 3, 4, 5, 999_999, tzinfo=UTC)

    assert tus_headers.date(moment) == "Fri, 02 Jan 2026 03:04:05 GMT"


def test_base64_is_strict():
    with pytest.raises(Validation):
        tus_headers.pairs(f"title {base64.b64encode(b'abc').decode()[:-1]}*")
