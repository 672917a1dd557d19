"""The whereabouts out of an original: gone, and nothing else changed."""

import io
import zlib

import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from adapters.scrub import scrubbed
from tests.people import CORPUS

CANARIES = sorted((CORPUS / "exif/canary").glob("canary.*"))
PLACE = 59.3293


def photographed(format: str) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Leica"
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps |= {1: "N", 2: (59.0, 19.0, 45.48), 3: "E", 4: (18.0, 4.0, 6.96)}
    exif._ifds[ExifTags.IFD.GPSInfo] = gps
    out = io.BytesIO()
    noise = pyvips.Image.gaussnoise(40, 30).cast("uchar").write_to_memory()
    Image.frombytes("L", (40, 30), bytes(noise)).convert("RGB").save(out, format, exif=exif)
    return out.getvalue()


def exif_of(file: bytes) -> Image.Exif:
    with Image.open(io.BytesIO(file)) as image:
        return image.getexif()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_the_place_goes_and_the_rest_stays(format):
    file = photographed(format)
    assert exif_of(file).get_ifd(ExifTags.IFD.GPSInfo)

    clean = scrubbed(file)

    assert clean is not None
    assert len(clean) == len(file)
    assert not exif_of(clean).get_ifd(ExifTags.IFD.GPSInfo)
    assert exif_of(clean)[ExifTags.Base.Make] == "Leica"
    before, after = (Image.open(io.BytesIO(it)) for it in (file, clean))
    with before, after:
        assert before.tobytes() == after.tobytes()


@pytest.mark.parametrize("path", CANARIES, ids=lambda path: path.name)
def test_no_canary_keeps_its_coordinates(path):
    file = path.read_bytes()

    clean = scrubbed(file) or file

    assert b"59.3293" not in clean
    assert b"59,19" not in clean
    image = pyvips.Image.new_from_buffer(clean, "")
    assert not [name for name in image.get_fields() if "GPSL" in name]


def test_a_png_stays_whole():
    clean = scrubbed(photographed("PNG"))
    assert clean is not None
    at = 8
    while at < len(clean):
        length = int.from_bytes(clean[at : at + 4], "big")
        body, crc = clean[at + 4 : at + 8 + length], clean[at + 8 + length : at + 12 + length]
        assert zlib.crc32(body) == int.from_bytes(crc, "big")
        at += 12 + length


@pytest.mark.parametrize(
    "xmp",
    [
        b'<rdf:Description exif:GPSLatitude="59,19.758N" exif:Make="Leica"/>',
        b"<exif:GPSLatitude>59,19.758N</exif:GPSLatitude>",
        b"<exif:GPSLatitude  rdf:x='y'>59,19.758N</exif:GPSLatitude>",
        b"<a exif:GPSLatitude = '59,19.758N'>",
    ],
)
def test_a_place_in_xmp_goes_too(xmp):
    file = b"RIFF....WEBP" + xmp

    clean = scrubbed(file)

    assert clean is not None
    assert len(clean) == len(file)
    assert b"59,19" not in clean


def test_what_tells_no_place_is_left_alone():
    assert scrubbed((CORPUS / "valid/sharp__2x2_fdcce6.png").read_bytes()) is None
    assert scrubbed(b"") is None


@given(st.binary(max_size=200), st.sampled_from([b"II*\0", b"MM\0*"]))
def test_hostile_directories_end(junk, order):
    file = b"\xff\xd8" + order + (8).to_bytes(4, "little") + junk
    clean = scrubbed(file)
    assert clean is None or len(clean) == len(file)
