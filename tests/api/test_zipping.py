"""Archives whose every byte has its place: whatever reads ZIP reads them, in whatever pieces."""

import io
import random
import zipfile
from datetime import UTC, datetime
from zlib import crc32

import pytest

from api.file_names import Names
from api.zipping import Archive, Entry

MOMENT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


def entry(name, body):
    async def read(start, stop):
        for at in range(start, stop, 7):
            yield body[at : min(at + 7, stop)]

    return Entry(name=name, size=len(body), crc=crc32(body), modified=MOMENT, read=read)


def hollow(name, size):
    """As if it had so many bytes."""

    async def read(start, stop):
        raise AssertionError("nobody wants its bytes")
        yield b""

    return Entry(name=name, size=size, crc=5, modified=MOMENT, read=read)


async def joined(archive, start=0, stop=None):
    chunks = archive.chunks(start, archive.size if stop is None else stop)
    return b"".join([chunk async for chunk in chunks])


BODIES = {"a.txt": b"first", "b/ä 日本 💥.bin": bytes(range(256)) * 9, "c": b"", "d.txt": b"last"}


@pytest.fixture
def archive():
    return Archive([entry(name, body) for name, body in BODIES.items()])


async def test_it_holds_what_was_put_in(archive):
    with zipfile.ZipFile(io.BytesIO(await joined(archive))) as file:
        assert file.testzip() is None
        assert {name: file.read(name) for name in file.namelist()} == BODIES
        assert file.getinfo("a.txt").date_time == (2026, 2, 3, 4, 5, 6)
        assert {it.compress_type for it in file.infolist()} == {zipfile.ZIP_STORED}


async def test_its_size_is_known_beforehand(archive):
    assert len(await joined(archive)) == archive.size


async def test_any_range_is_that_part_of_the_whole(archive):
    whole, chosen = await joined(archive), random.Random(1)  # noqa: S311 - no secret
    for _ in range(300):
        start, stop = sorted(chosen.choices(range(archive.size + 1), k=2))
        assert await joined(archive, start, stop) == whole[start:stop]


async def test_the_tag_changes_with_the_contents(archive):
    names = list(BODIES)
    other = Archive([entry(name, BODIES[name] + b"!" * (name == "d.txt")) for name in names])
    same = Archive([entry(name, BODIES[name]) for name in names])

    assert same.etag == archive.etag != other.etag


async def test_an_empty_one_is_one():
    with zipfile.ZipFile(io.BytesIO(await joined(Archive([])))) as file:
        assert file.namelist() == []


async def test_more_files_than_16_bits_count():
    archive = Archive([entry(f"{n}", b"") for n in range(70_000)])

    with zipfile.ZipFile(io.BytesIO(await joined(archive))) as file:
        assert len(file.namelist()) == 70_000


async def test_more_bytes_than_32_bits_count():
    """Only what lies behind the large ones is read, as whoever looks for one file does."""
    large = [hollow("5 GB", 5 * 1024**3), *(hollow(f"{n}", 2 * 1024**3) for n in range(2))]
    archive = Archive([*large, entry("last", b"found")])
    tail = await joined(archive, sum(it.length for it in large))

    class Tail(io.BytesIO):
        """A file of which only the end is there."""

        def seek(self, offset, whence=0):
            if whence == 0:
                offset -= archive.size - len(tail)
            return super().seek(offset, whence) + archive.size - len(tail)

        def tell(self):
            return super().tell() + archive.size - len(tail)

    with zipfile.ZipFile(Tail(tail)) as file:
        assert [it.file_size for it in file.infolist()] == [it.size for it in large] + [5]
        assert file.read("last") == b"found"


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("lake.jpg", "lake.png"),
        ("lake", "lake.png"),
        ("../../etc/passwd", "_.._etc_passwd.png"),
        ("..\\..\\x.jpg", "_.._x.png"),
        ("C:\\a.jpg", "C__a.png"),
        ("CON.jpg", "_CON.png"),
        ("lpt1", "_lpt1.png"),
        (".hidden", "hidden.png"),
        ("", "image.png"),
        ("...", "image.png"),
        ("a\nb\0c.jpg", "a_b_c.png"),
        ("gnp.\u202egpj.exe", "gnp._gpj.png"),
        ("日本 💥.heic", "日本 💥.png"),
    ],
)
def test_names_are_safe(wanted, name):
    assert Names().new(wanted, "png") == name


def test_names_are_short():
    name = Names().new("é" * 1_000, "png")

    assert len(name.encode()) < 130
    assert name.startswith("ééé")


def test_each_name_stands_once_whatever_its_case():
    names = Names()
    wanted = ["a.jpg", "A.jpg", "a (2).jpg", "a.png", "a (2) (2).jpg", "ﬁ.jpg", "fi.jpg"]
    found = [names.new(it, "jpg") for it in wanted]

    assert len({it.lower() for it in found}) == len(wanted)
    assert found[:2] == ["a.jpg", "A (2).jpg"]
