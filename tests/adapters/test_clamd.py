"""The scanner's word: only a clear OK is one, whatever else is answered, or not answered."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from adapters.clamd import Clamd
from commands.review import Unscanned
from domain.refusals import Unavailable
from tests import clamd
from tests.people import PHOTO, sample


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = clamd.Clamd(tmp_path_factory.mktemp("c"), StreamMaxLength="1M")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def picture(tmp_path):
    file = tmp_path / "picture.jpg"
    file.write_bytes(sample(PHOTO))
    return file


async def test_a_clean_picture_is_clean_and_a_virus_in_one_is_found(server, picture):
    scanner = Clamd(server.socket)
    assert await scanner.scan(picture) is None

    picture.write_bytes(clamd.polyglot(picture.read_bytes()))

    assert await scanner.scan(picture) == "Darkroom.Test.Eicar.UNOFFICIAL"
    assert (await scanner.check()).startswith("ClamAV ")


async def test_what_is_larger_than_the_scanner_takes_is_not_clean(server, picture):
    picture.write_bytes(bytes(3 * 1024 * 1024))

    with pytest.raises(Unscanned):  # it says why, and hangs up: not always is it heard
        await Clamd(server.socket).scan(picture)


async def test_a_picture_that_is_given_up_is_not_clean(picture, tmp_path):
    """deploy/clamd.conf has clamd say so; by default it says OK."""
    small = clamd.Clamd(tmp_path / "small", MaxFileSize="1K", MaxScanSize="1K")
    small.start()
    try:
        with pytest.raises(Unscanned, match="Limits"):
            await Clamd(small.socket).scan(picture)
    finally:
        small.stop()


async def test_a_scanner_that_is_not_there_hangs_or_comes_back(picture, tmp_path):
    server = clamd.Clamd(tmp_path / "mortal")
    scanner = Clamd(server.socket, connect=0.5, silence=0.5)
    with pytest.raises(Unavailable):
        await scanner.scan(picture)
    server.start()
    try:
        server.hang()
        with pytest.raises(Unavailable):
            await scanner.scan(picture)
        server.go_on()
        assert await scanner.scan(picture) is None
    finally:
        server.stop()


@asynccontextmanager
async def answering(folder, to_scan, to_ping=b"PONG\0"):
    """A server that says the same each time; None hangs up at once."""

    async def serve(reader, writer):
        command = await reader.readuntil(b"\0")
        answer = to_scan if command == b"zINSTREAM\0" else to_ping
        while command == b"zINSTREAM\0" and answer is not None:
            if not (length := int.from_bytes(await reader.readexactly(4), "big")):
                break
            await reader.readexactly(length)
        if answer is None:
            writer.transport.abort()
            return
        writer.write(answer)
        writer.close()

    path = str(folder / "s")
    server = await asyncio.start_unix_server(serve, path)
    async with server:
        yield Clamd(path, connect=0.5, silence=0.5)


ODD = [
    None,
    b"",
    b"\0",
    b"OK\0",
    b"stream: OK",
    b"stream: ok\0",
    b"stream: OK \0",
    b"stream: OK\nstream: OK\0",
    b"stream: OKAY\0",
    b"stream: NOT OK\0",
    b"stream:  FOUND\0",
    b"stream: Can't allocate memory ERROR\0",
    b"INSTREAM size limit exceeded. ERROR\0",
    b"UNKNOWN COMMAND\0",
    b"COMMAND READ TIMED OUT\0",
    b"HTTP/1.1 200 OK\r\n\r\n\0",
    b"\xff\xfe\0",
    b"x" * 100_000 + b"\0",
    b"stream: OK\0"[::-1],
]


@pytest.mark.parametrize("odd", ODD)
async def test_no_odd_answer_is_taken_for_a_clean_file(tmp_path, picture, odd):
    async with answering(tmp_path, odd) as scanner:
        with pytest.raises(Unscanned):
            await scanner.scan(picture)

    (tmp_path / "s").unlink(missing_ok=True)
    async with answering(tmp_path, odd, to_ping=b"WHO ARE YOU\0") as scanner:
        with pytest.raises(Unavailable):
            await scanner.scan(picture)


async def test_the_stand_in_would_let_a_clean_file_pass(tmp_path, picture):
    async with answering(tmp_path, b"stream: OK\0") as scanner:
        assert await scanner.scan(picture) is None
