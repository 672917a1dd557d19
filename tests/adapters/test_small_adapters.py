"""What needs no server: full-text queries, ThumbHash, what files say of themselves."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from adapters import metadata
from adapters.thumbhash import thumbhash
from adapters.tsquery import terms
from api.robots import is_robot


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("sunset", "('sunset':*)"),
        ("red sunset", "('red':*) & ('sunset':*)"),
        ('"red sunset" lake', "('red' <-> 'sunset') & ('lake':*)"),
        ("well-being", "('well':*) & ('being':*)"),
        ('"open', "('open')"),
        ("日本", "('日' <-> '本':*)"),
        ("!&|():*<->'", ""),
        ("", ""),
        ('""', ""),
    ],
)
def test_a_search_box_becomes_a_query(typed, query):
    assert " & ".join(terms(typed).parts) == query


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60))
def test_whatever_is_typed_postgres_reads(typed):
    """Only quoted lexemes and our own operators ever leave."""
    for part in terms(typed).parts:
        bare = part.removeprefix("(").removesuffix(")").removesuffix(":*")
        for lexeme in filter(None, bare.split(" <-> ")):
            assert lexeme.startswith("'")
            assert lexeme.endswith("'")
            assert "'" not in lexeme[1:-1].replace("''", "")


def test_thumbhash_says_what_its_reference_reads():
    """As the reference decoder (evanw/thumbhash) reads it: average colour and proportions."""
    pixels = [(x * 8, y * 10, 255 - x * 4, 255) for y in range(24) for x in range(32)]

    hashed = thumbhash(32, 24, bytes(value for pixel in pixels for value in pixel))

    assert 20 <= len(hashed) <= 26
    averages = [sum(values) / 768 / 255 for values in zip(*pixels, strict=True)]
    assert _average(hashed) == pytest.approx(averages[:3], abs=0.06)
    assert _aspect(hashed) == pytest.approx(32 / 24, abs=0.15)


def _average(hashed: bytes) -> tuple[float, float, float]:
    """thumbHashToAverageRGBA of the reference."""
    head = int.from_bytes(hashed[:3], "little")
    luma = (head & 63) / 63
    p = ((head >> 6) & 63) / 31.5 - 1
    q = ((head >> 12) & 63) / 31.5 - 1
    b = luma - 2 / 3 * p
    r = (3 * luma - b + q) / 2
    return tuple(max(0, min(1, c)) for c in (r, r - q, b))


def _aspect(hashed: bytes) -> float:
    """thumbHashToApproximateAspectRatio of the reference."""
    alpha, landscape = hashed[2] & 0x80, hashed[4] & 0x80
    longest = 5 if alpha else 7
    lx = longest if landscape else hashed[3] & 7
    ly = hashed[3] & 7 if landscape else longest
    return lx / ly


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 0, 0), (255, 255, 255), (10, 200, 90)])
def test_a_plain_colour_hashes_to_itself(colour):
    hashed = thumbhash(10, 10, bytes((*colour, 255)) * 100)
    assert _average(hashed) == pytest.approx([c / 255 for c in colour], abs=0.04)


@given(st.integers(1, 12), st.integers(1, 12), st.sampled_from([0, 128, 255]), st.randoms())
def test_every_picture_has_a_hash(width, height, alpha, random):
    pixels = bytes(
        alpha if at % 4 == 3 else random.randrange(256) for at in range(width * height * 4)
    )
    assert len(base64.b64encode(thumbhash(width, height, pixels))) <= 40


def _read(**fields):
    raw = {"exif": b"", "iptc": b"", "xmp": b"", "color_profile": None, "orientation": 1}
    return metadata.read(**(raw | fields))


def _photo() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = "Canon\0"
    exif[0x0132] = "2024:05:06 07:08:09"
    exif._ifds[0x8769] = {0x829A: 0.004, 0x9003: "2023:01:02 03:04:05", 0x9011: "+02:00"}
    exif._ifds[0x8825] = {1: "S", 2: (33.0, 51.0, 30.0), 3: "W", 4: (70.0, 30.0, 0.0), 5: 1, 6: 5.0}
    return exif


def test_exif_gives_its_named_fields():
    found = _read(exif=_photo().tobytes())

    assert found.exif["Make"] == "Canon"
    assert found.exif["ExposureTime"] == 0.004
    assert found.taken_at == datetime(2023, 1, 2, 1, 4, 5, tzinfo=UTC)
    assert found.gps is not None
    assert (found.gps.latitude, found.gps.longitude) == (-33.8583333, -70.5)
    assert found.gps.altitude == -5.0


@pytest.mark.parametrize("latitude", [(91.0, 0.0, 0.0), (89.0, 61.0, 0.0), (1.0,)])
def test_a_place_that_is_none_is_none(latitude):
    exif = _photo()
    exif._ifds[0x8825] = {1: "N", 2: latitude, 3: "E", 4: (1.0, 1.0, 1.0)}

    assert _read(exif=exif.tobytes()).gps is None


def test_iptc_and_xmp_give_theirs():
    iptc = b"8BIM junk" + b"".join(
        b"\x1c\x02" + bytes([kind]) + len(text).to_bytes(2, "big") + text
        for kind, text in ((25, b"lake"), (25, b"summer"), (5, b"Title"), (99, b"unknown"))
    )
    xmp = b"""<?xpacket?><x:xmpmeta xmlns:x="adobe:ns:meta/"
      xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
      xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:RDF>
      <rdf:Description xmp:Rating="4"><dc:subject><rdf:Bag><rdf:li>a</rdf:li><rdf:li>b</rdf:li>
      </rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"""

    found = _read(iptc=iptc, xmp=xmp)

    assert found.iptc == {"Keywords": ["lake", "summer"], "ObjectName": "Title"}
    assert found.xmp == {"rating": "4", "subject": ["a", "b"]}


def test_xml_that_declares_entities_is_not_parsed():
    bomb = b'<x:xmpmeta xmlns:x="x"><!DOCTYPE b [<!ENTITY a "aaaa">]><b>&a;</b></x:xmpmeta>'
    assert _read(xmp=bomb).xmp == {}


@given(st.binary(max_size=300), st.binary(max_size=100), st.binary(max_size=100))
def test_no_bytes_are_an_accident(exif, iptc, xmp):
    _read(exif=b"Exif\0\0MM\0*" + exif, iptc=b"\x1c\x02" + iptc, xmp=b"<x:xmpmeta>" + xmp)


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1)", True),
        ("my_bot_1", True),
        ("AppleBot", True),
        ("Link Checker", True),
        ("Scrapy/2.11", True),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", False),
        ("curl/8.5.0", False),
        ("robotics weekly", False),
        ("", False),
    ],
)
def test_who_says_that_it_is_a_robot(agent, expected):
    assert is_robot(agent) is expected
