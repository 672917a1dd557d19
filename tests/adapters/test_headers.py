"""The gate: magic bytes and figures, before any decoder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.headers import check_scans, check_size, check_whole, format_of, scans_of
from domain.media import Caps, Format
from domain.refusals import CorruptImage, TooManyFrames, TooManyPixels, UnsupportedFormat


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    box = b"ftyp" + major + bytes(4) + b"".join(compatible)
    return (len(box) + 4).to_bytes(4, "big") + box + b"junkavif"


@pytest.mark.parametrize(
    ("head", "format"),
    [
        (b"\xff\xd8\xff\xe0", Format.JPEG),
        (b"\x89PNG\r\n\x1a\n", Format.PNG),
        (b"GIF87a", Format.GIF),
        (b"GIF89a", Format.GIF),
        (b"RIFF\0\0\0\0WEBPVP8 ", Format.WEBP),
        (ftyp(b"heic"), Format.HEIC),
        (ftyp(b"avif"), Format.AVIF),
        (ftyp(b"mif1", b"avif", b"mif1"), Format.AVIF),
        (ftyp(b"mif1", b"heic"), Format.HEIC),
        (ftyp(b"mif1", b"mif1"), Format.HEIC),
    ],
)
def test_the_first_bytes_tell(head, format):
    assert format_of(head) is format


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff\xd8",
        b"GIF88a",
        b"RIFF\0\0\0\0WAVE",
        ftyp(b"mp42", b"isom"),
        ftyp(b"qt  "),
        b"<?xml version='1.0'?><svg/>",
        b"II*\0",
        b"MM\0*",
        b"BM",
        b"\0\0\1\0",
        b"%PDF",
        b"\xff\x0a",
        b"GIF",
    ],
)
def test_everything_else_is_unsupported(head):
    with pytest.raises(UnsupportedFormat):
        format_of(head)


@given(st.binary(max_size=200))
def test_no_bytes_are_an_accident(head):
    try:
        assert format_of(head) in Format
    except UnsupportedFormat:
        pass


CAPS = Caps(pixels=100, side=20, frames=5, frame_pixels=300)


@pytest.mark.parametrize("size", [(10, 10, 1), (20, 5, 1), (10, 10, 3), (1, 1, 5)])
def test_what_is_within_the_caps_passes(size):
    check_size(*size, CAPS)


@pytest.mark.parametrize(
    ("size", "refusal"),
    [
        ((0, 5, 1), CorruptImage),
        ((5, -1, 1), CorruptImage),
        ((11, 10, 1), TooManyPixels),
        ((21, 1, 1), TooManyPixels),
        ((1, 1, 6), TooManyFrames),
        ((10, 10, 4), TooManyPixels),
    ],
)
def test_what_is_beyond_is_refused(size, refusal):
    with pytest.raises(refusal):
        check_size(*size, CAPS)


def scan(body: bytes = b"") -> bytes:
    return b"\xff\xda\0\2" + body


def test_scans_are_counted_where_they_are_scans():
    thumbnail = b"\xff\xe1" + (2 + 40).to_bytes(2, "big") + scan() * 10
    jpeg = b"\xff\xd8" + thumbnail + scan(b"\1\xff\0\xff\xd0") + scan() + b"\xff\xff\xd9"

    assert scans_of(jpeg) == 2
    check_scans(b"\xff\xd8" + thumbnail * 20 + scan(), Caps(scans=100))
    with pytest.raises(TooManyFrames):
        check_scans(b"\xff\xd8" + scan() * 101, Caps(scans=100))


@given(st.binary(max_size=300))
def test_counting_always_ends(jpeg):
    assert scans_of(b"\xff\xd8" + jpeg) <= len(jpeg)


@given(st.binary(max_size=300), st.sampled_from([Format.GIF, Format.PNG, Format.HEIC]))
def test_looking_for_the_end_always_ends(junk, format):
    try:
        check_whole(bytes(8) + junk, format)
    except CorruptImage:
        pass
