"""Which bodies are the same, however they are cut on their way."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from api.fingerprint import Fingerprint

texts = st.text("abAB-\r\n", max_size=12).map(str.encode)
PART = b'--%b\r\nContent-Disposition: form-data; name="a"\r\n\r\n%b\r\n'
boundaries = st.text("abAB-", min_size=1, max_size=6).map(str.encode)


def form(boundary: bytes, *values: bytes) -> bytes:
    parts = [PART % (boundary, value) for value in values]
    return b"".join([*parts, b"--%b--\r\n" % boundary])


def digest(body: bytes, cuts=(), content_type="application/json") -> bytes:
    fingerprint = Fingerprint(content_type)
    places = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    for start, stop in pairwise(places):
        fingerprint.update(body[start:stop])
    return fingerprint.digest()


def of_form(boundary: bytes, body: bytes, cuts=()) -> bytes:
    return digest(body, cuts, f'multipart/form-data; boundary="{boundary.decode()}"')


@given(st.binary(max_size=60), st.lists(st.integers(0, 100), max_size=8))
def test_chunks_make_no_difference(body, cuts):
    assert digest(body, cuts) == digest(body)


@given(
    st.sampled_from([b"-----xyz1", b"-----xyz2", b"WebKitFormBoundary7"]),
    st.lists(st.binary(max_size=20), max_size=3),
    st.lists(st.integers(0, 400), max_size=8),
)
def test_nor_does_the_boundary_of_a_form(boundary, values, cuts):
    first = of_form(b"0123456789abcdef", form(b"0123456789abcdef", *values))

    assert of_form(boundary, form(boundary, *values), cuts) == first


@given(
    boundaries, st.lists(st.text("abAB-\r\n", max_size=12).map(str.encode), max_size=3), st.data()
)
def test_a_boundary_that_looks_like_content_is_cut_the_same_way_each_time(boundary, values, data):
    body = form(boundary, *values)
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=8))

    assert of_form(boundary, body, cuts) == of_form(boundary, body)


def test_another_value_another_type_another_order_are_other_bodies():
    same = of_form(b"xyz", form(b"xyz", b"1", b"2"))

    assert of_form(b"xyz", form(b"xyz", b"1", b"3")) != same
    assert of_form(b"xyz", form(b"xyz", b"2", b"1")) != same
    assert of_form(b"xyz", form(b"xyz", b"12")) != same
    assert digest(b"{}", content_type="text/plain") != digest(b"{}")
    assert digest(b"{}", content_type="application/json; charset=utf-8") == digest(b"{}")
