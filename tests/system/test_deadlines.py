"""Slow connections, by the hundred: they are closed in time, and nobody else notices."""

import asyncio
import os
import socket
import statistics
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest

from api.deadlines import Pace, Paced
from domain.refusals import RequestTimeout
from tests.people import Person, expect, refused, sample
from tests.service import TRUST

pytestmark = pytest.mark.xdist_group("deadlines")

LORISES = 500
DEADLINE = 10
"""Seconds: the default of header_timeout and body_grace."""

PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'


class Loris:
    """One raw connection that says a byte a second for as long as it is let."""

    def __init__(self, url: str, opening: bytes, piece: bytes = b"x") -> None:
        self._url, self._opening, self._piece = urlsplit(url), opening, piece
        self.answer = b""

    async def run(self, within: float) -> float | None:
        """Seconds until it was closed; None if it was not."""
        reader, writer = await asyncio.open_connection(self._url.hostname, self._url.port)
        began = time.monotonic()
        writer.write(self._opening)
        dripping = asyncio.create_task(self._drip(writer))
        try:
            async with asyncio.timeout(within):
                while piece := await reader.read(4096):
                    self.answer += piece
        except TimeoutError:
            return None
        except ConnectionError:
            pass
        finally:
            dripping.cancel()
            writer.close()
        return time.monotonic() - began

    async def _drip(self, writer: asyncio.StreamWriter) -> None:
        while self._piece:
            await asyncio.sleep(1)
            writer.write(self._piece)


def post(person: Person, *headers: str) -> bytes:
    lines = [
        "POST /v1/images HTTP/1.1",
        "Host: darkroom",
        f"Authorization: Bearer {person.tokens['accessToken']}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def kinds(person: Person) -> dict[str, tuple[bytes, bytes]]:
    """How to be slow: what is said at once, and what a second."""
    form = "Content-Type: multipart/form-data; boundary=b"
    json = "Content-Type: application/json"
    return {
        "nothing": (b"", b""),
        "headers": (b"GET / HTTP/1.1\r\nX-Slow: ", b"x"),
        "idle": (b"GET /health/live HTTP/1.1\r\nHost: darkroom\r\n\r\n", b""),
        "json": (post(person, json, "Content-Length: 100000"), b" "),
        "chunks": (post(person, json, "Transfer-Encoding: chunked"), b"1\r\n \r\n"),
        "form": (post(person, form, "Content-Length: 9000000") + PART, b"x"),
    }


async def p95(http: httpx.AsyncClient, seconds: float) -> float:
    took, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.monotonic()
        assert (await http.get("/v1/images")).status_code == 200
        took.append(time.monotonic() - began)
        await asyncio.sleep(0.01)
    return statistics.quantiles(took, n=20)[-1]


async def test_500_slow_connections_are_closed_and_others_do_not_notice(service, ann):
    ways = list(kinds(ann).values())
    lorises = [Loris(service.url, *ways[n % len(ways)]) for n in range(LORISES)]
    token = {"Authorization": f"Bearer {ann.tokens['accessToken']}"}
    async with httpx.AsyncClient(base_url=service.url, headers=token, timeout=30) as http:
        await p95(http, 2)  # the first answers are slower than any that follow
        before = await p95(http, 5)
        running = [asyncio.create_task(loris.run(within=DEADLINE + 10)) for loris in lorises]
        during = await p95(http, DEADLINE - 2)
        closed = await asyncio.gather(*running)

    late = [name for name, seconds in zip(_named(ann), closed, strict=False) if seconds is None]
    took = sorted(seconds for seconds in closed if seconds is not None)
    print(f"\n{len(took)} of {LORISES} closed after {took[0]:.1f} to {took[-1]:.1f} s;", end=" ")
    print(f"others' p95 {1000 * before:.0f} ms before, {1000 * during:.0f} ms meanwhile")
    assert late == []
    assert len(took) == LORISES
    assert took[0] > DEADLINE - 2
    assert took[-1] < DEADLINE + 5
    assert during < 4 * before + 0.05


def _named(person: Person) -> list[str]:
    names = list(kinds(person))
    return [names[n % len(names)] for n in range(LORISES)]


async def test_who_sends_a_body_too_slowly_is_told_so(service, ann):
    loris = Loris(service.url, *kinds(ann)["form"])

    seconds = await loris.run(within=DEADLINE + 10)

    assert seconds is not None
    head, _, body = loris.answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in head
    assert b'"code":"request_timeout"' in body
    assert b'"minBytesPerSecond":4096' in body


async def test_a_slow_but_honest_client_passes(service, ann):
    """Twice the deadline long, at a little more than the least rate."""
    photo = sample("exif/test-assets__picasa.jpg")
    form = PART + photo + bytes(max(0, 110_000 - len(photo))) + b"\r\n--b--\r\n"

    async def slowly():
        for start in range(0, len(form), 2_500):
            yield form[start : start + 2_500]
            await asyncio.sleep(0.5)

    headers = {
        "Authorization": f"Bearer {ann.tokens['accessToken']}",
        "Content-Type": "multipart/form-data; boundary=b",
    }
    async with httpx.AsyncClient(base_url=service.url, timeout=60) as http:
        began = time.monotonic()
        answer = await http.post("/v1/images", content=slowly(), headers=headers)

    assert time.monotonic() - began > 2 * DEADLINE
    expect(answer, 201)


def test_400_who_do_not_read_what_they_asked_for_are_sent_away(service, ann):
    """Until then others are told to come again, and uploads do not notice."""
    photo = sample("valid/Pillow__rgb.jpg")
    url = ann.upload(photo + os.urandom(20_000_000), visibility="public")["url"]
    ask = f"GET {urlsplit(url).path} HTTP/1.1\r\nHost: darkroom\r\n\r\n".encode()

    with ExitStack() as connections:
        for _ in range(400):
            opened = connections.enter_context(socket.socket())
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            opened.connect(("127.0.0.1", service.port))
            opened.sendall(ask)
        answers = [0]
        until = time.monotonic() + 90
        while answers[-1] != 200:
            assert time.monotonic() < until, answers
            expect(ann.http.post("/v1/images", files={"file": ("a.jpg", photo)}), 201)
            # by a new connection: to either worker
            answer = httpx.get(url, timeout=30, verify=TRUST)
            answers.append(answer.status_code)
            if answer.status_code != 200:
                assert refused(answer, 503, "unavailable")["dependency"] == "delivery"

    assert len(answer.content) == len(photo) + 20_000_000


def test_who_is_answered_early_and_sends_on_still_reads_the_answer(service):
    """Closed over what was not read, the connection would be reset, and the answer with it."""
    form = "Content-Type: multipart/form-data; boundary=b"
    head = (
        f"POST /v1/images HTTP/1.1\r\nHost: darkroom\r\n{form}\r\nContent-Length: 9000000\r\n\r\n"
    )
    url = urlsplit(service.url)

    with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
        connection.sendall(head.encode() + PART)
        time.sleep(0.2)  # long refused by now
        connection.sendall(bytes(9_000_000 - len(PART)))
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b'"code":"unauthenticated"' in answer


PACE = Pace(grace=0.1, rate=1_000, linger=0.3, hush=0.2)


class Sender:
    """An ASGI receive that gives the pieces, each after its pause."""

    def __init__(self, *pieces: tuple[float, int]) -> None:
        self._pieces = list(pieces)

    async def __call__(self):
        if not self._pieces:
            await asyncio.sleep(0.2)
            return {"type": "http.disconnect"}
        pause, size = self._pieces.pop(0)
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": bytes(size), "more_body": bool(self._pieces)}


async def drained(*pieces: tuple[float, int], work: float = 0.0) -> int:
    receive, size = Paced(Sender(*pieces), PACE), 0
    while True:
        message = await receive()
        size += len(message["body"])
        await asyncio.sleep(work)
        if not message["more_body"]:
            assert (await receive())["type"] == "http.disconnect"  # waited for as long as it takes
            return size


@pytest.mark.parametrize(
    "pieces",
    [
        [(0.15, 10)],  # nothing at first
        [(0.0, 10), (0.09, 1), (0.09, 1)],  # by and by
        [(0.0, 1_000_000), (0.35, 10)],  # haste buys no rest of any length
    ],
)
async def test_arrears_end_a_request(pieces):
    with pytest.raises(RequestTimeout) as caught:
        await drained(*pieces)
    assert caught.value.facts["minBytesPerSecond"] == 1_000


@pytest.mark.parametrize(
    "pieces",
    [
        [(0.0, 0)],
        [(0.05, 100)] * 6,
        [(0.0, 1_000), (0.2, 10)],
    ],
)
async def test_a_steady_sender_passes(pieces):
    assert await drained(*pieces) == sum(size for _, size in pieces)


async def test_what_the_service_takes_is_not_the_clients_fault():
    assert await drained((0.0, 1), (0.0, 1), (0.0, 1), work=0.08) == 3


async def test_before_an_early_answer_no_more_than_a_while_is_waited():
    paced = Paced(Sender(*[(0.05, 100)] * 100), PACE)

    async with asyncio.timeout(3):
        await paced.linger()

    assert not paced.complete


async def test_before_an_early_answer_silence_is_not_waited_for():
    paced = Paced(Sender((0.0, 10), (10.0, 1)), Pace(linger=60.0, hush=0.2))

    async with asyncio.timeout(3):
        await paced.linger()

    assert not paced.complete
