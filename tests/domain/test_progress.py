import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.progress import Piece, Progress, plan, received, require_fit
from domain.refusals import FileTooLarge, OffsetMismatch

FIRST = Piece(number=1, size=100, etag='"a"')
SECOND = Piece(number=4, size=60, etag='"b"')


def test_an_upload_begins_at_nothing():
    assert Progress().offset == 0


def test_parts_and_tail_add_up():
    progress = Progress().with_part(FIRST).with_tail(SECOND)

    assert progress == Progress(parts=(FIRST,), tail=SECOND)
    assert progress.offset == 160


def test_the_next_part_takes_the_tail_up():
    progress = Progress().with_tail(SECOND).with_part(FIRST)

    assert progress == Progress(parts=(FIRST,))


def test_bytes_belong_where_the_upload_ends():
    require_fit(100, at=100, coming=None, size=120)
    require_fit(100, at=100, coming=20, size=120)
    require_fit(120, at=120, coming=0, size=120)


@pytest.mark.parametrize("at", [0, 99, 101])
def test_bytes_from_elsewhere_are_refused_with_the_offset(at):
    with pytest.raises(OffsetMismatch) as refused:
        require_fit(100, at=at, coming=1, size=120)

    assert refused.value.facts == {"offset": 100, "requestedOffset": at}


def test_more_than_was_promised_is_refused():
    with pytest.raises(FileTooLarge) as refused:
        require_fit(100, at=100, coming=21, size=120)

    assert refused.value.facts == {"limitBytes": 120, "requestedBytes": 121}


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_plan_covers_every_byte_once(part_size, size):
    planned = plan(part_size=max(part_size, size // 1000), size=size)

    assert [number for number, _ in planned] == list(range(1, len(planned) + 1))
    assert sum(length for _, length in planned) == size
    assert {length for _, length in planned[:-1]} <= {max(part_size, size // 1000)}


def test_parts_of_another_size_or_number_have_not_arrived():
    right = [Piece(number=1, size=10), Piece(number=3, size=5)]
    wrong = [Piece(number=2, size=9), Piece(number=4, size=10)]

    assert received(right + wrong, part_size=10, size=25) == right
