"""Fetching from the web: everything a URL can do to lead inside, and a server to keep us (SEC-09).

Connections are counted where the interpreter makes them, by an audit hook, not by what is answered.
"""

import asyncio
import datetime
import gzip
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec.structs import replace

from adapters.addresses import PublicAddresses, networks
from adapters.fetch import PORTS, HttpFetcher, Patience, resolved
from domain.refusals import FileTooLarge, ImportFailed, UrlForbidden

SERVER, INSIDE = "127.0.0.2", "127.0.0.1"
ALLOWED = PublicAddresses(networks(f"{SERVER}/32"))
HASTY = Patience(in_all=1.0, silence=0.3, grace=0.2, rate=1000)
MAX = 100_000
CONTENT = b"some bytes of a picture"

connected: list[str] = []
sys.addaudithook(
    lambda event, arguments: (
        connected.append(str(arguments[1][0]))
        if event == "socket.connect" and isinstance(arguments[1], tuple)
        else None
    )
)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "fetched"


@pytest.fixture(autouse=True)
def nothing_connected():
    connected.clear()


class Web:
    """A resolver: each look-up of a name takes its next answer, the last one again and again."""

    def __init__(self, **names: list[list[str]]) -> None:
        self._names = names
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        answers = self._names.get(host.partition(".")[0], [[]])
        return answers.pop(0) if len(answers) > 1 else answers[0]


class Server:
    """A real server on loopback; `requests` are the heads it was sent."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.requests: list[bytes] = []
        self.names: list[str | None] = []


Answering = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(*answers: bytes | Answering, tls: ssl.SSLContext | None = None):
    """Gives its answers in turn, the last one again and again."""
    waiting = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            running.requests.append(await reader.readuntil(b"\r\n\r\n"))
            answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, SERVER, 0, ssl=tls)
    running = Server(server.sockets[0].getsockname()[1])
    if tls:
        tls.sni_callback = lambda _, name, __: running.names.append(name)
    try:
        yield running
    finally:
        server.close()


def fetcher(server: Server | None = None, **parts) -> HttpFetcher:
    ports = PORTS | {server.port} if server else PORTS
    return HttpFetcher(ALLOWED, ports=ports, **parts)


def ok(body: bytes = CONTENT, *fields: str) -> bytes:
    head = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", "Content-Type: image/png", *fields]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def redirect(location: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


# The contract


async def test_what_a_url_leads_to_lies_in_the_file(target):
    async with serving(ok()) as server:
        url = f"http://{SERVER}:{server.port}/a%20b.png?size=2#part"
        fetched = await fetcher(server).fetch(url, target, max_bytes=MAX)

    assert target.read_bytes() == CONTENT
    assert fetched.content_type == "image/png"
    (head,) = server.requests
    assert head.startswith(b"GET /a%20b.png?size=2 HTTP/1.1\r\n")
    assert f"\r\nHost: {SERVER}:{server.port}\r\n".encode() in head
    assert b"\r\nAccept-Encoding: identity\r\n" in head
    assert b"cookie" not in head.lower()
    assert b"authorization" not in head.lower()


async def test_no_proxy_of_the_environment_gets_between(target, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://{INSIDE}:9")
    monkeypatch.setenv("ALL_PROXY", f"http://{INSIDE}:9")
    async with serving(ok()) as server:
        await fetcher(server).fetch(f"http://{SERVER}:{server.port}/", target, max_bytes=MAX)

    assert connected == [SERVER]


async def test_redirects_are_followed_by_name_and_by_path(target):
    web = Web(pictures=[[SERVER]], other=[[SERVER]])
    async with serving(
        redirect("second"),
        lambda writer: write(writer, redirect(f"//other.example:{server.port}/third")),
        ok(),
    ) as server:
        first = f"http://pictures.example:{server.port}/folder/first"
        await fetcher(server, resolve=web).fetch(first, target, max_bytes=MAX)

    assert target.read_bytes() == CONTENT
    paths = [head.split()[1] for head in server.requests]
    assert paths == [b"/folder/first", b"/folder/second", b"/third"]


@pytest.mark.parametrize("hops", [5, 6])
async def test_five_redirects_are_enough(target, hops):
    async with serving(*[redirect("/again")] * hops, ok()) as server:
        fetching = fetcher(server).fetch(f"http://{SERVER}:{server.port}/", target, max_bytes=MAX)
        if hops == 5:
            await fetching
        else:
            with pytest.raises(ImportFailed) as refused:
                await fetching
            assert refused.value.facts == {"reason": "too many redirects"}

    assert len(server.requests) == 6


async def test_the_name_goes_with_the_request_and_tls_holds_to_it(target, tmp_path):
    ours, theirs = certified("pictures.example", tmp_path)
    web = Web(pictures=[[SERVER]], other=[[SERVER]])
    async with serving(ok(), tls=ours) as server:
        asking = fetcher(server, resolve=web, tls=theirs)
        await asking.fetch(f"https://pictures.example:{server.port}/", target, max_bytes=MAX)
        with pytest.raises(ImportFailed) as refused:
            await asking.fetch(f"https://other.example:{server.port}/", target, max_bytes=MAX)

    assert refused.value.facts == {"reason": "unreachable"}
    assert server.names == ["pictures.example", "other.example"]
    assert b"\r\nHost: pictures.example:" in server.requests[0]
    assert connected == [SERVER, SERVER]


def certified(name: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for the name, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(Encoding.PEM).decode()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pem = folder / "server.pem"
    pem.write_text(public + private)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cadata=public)


# Leading inside

HOSTS = [
    "127.1",
    "127.0.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "0.0.0.0",  # noqa: S104 - asked for, not bound
    "0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:8.8.8.8]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::8.8.8.8]",
    "[100::1]",
    "[2001::1]",
    "[2001:db8::1]",
    "[2002:7f00:1::]",
    "[2002:808:808::]",
    "[3fff::1]",
    "[fc00::1]",
    "[fd00::1]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fec0::1]",
    "[ff02::1]",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "no-such-name.invalid",
    "\uff11\uff12\uff17.0.0.1",
    "127\u30020\u30020\u30021",
]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", HOSTS)
async def test_no_spelling_of_an_inner_address_is_connected_to(target, host, scheme):
    for port in ("", ":8080"):
        with pytest.raises(UrlForbidden):
            await fetcher().fetch(f"{scheme}://{host}{port}/x", target, max_bytes=MAX)

    assert connected == []
    assert not target.exists()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "scheme"),
        ("gopher://{0}:70/_x", "scheme"),
        ("ftp://{0}/x", "scheme"),
        ("data:image/png;base64,AAAA", "scheme"),
        ("dict://{0}:11211/stats", "scheme"),
        ("//{0}/x", "scheme"),
        ("/x", "scheme"),
        ("", "scheme"),
        ("http:///x", "malformed"),
        ("http://{0}@{1}/", "credentials"),
        ("http://user:word@{0}/", "credentials"),
        ("http://{0}%0d%0aX-Injected:1/", "malformed"),
        ("http://{0}/%20HTTP/1.1\r\nX-Injected: 1", "malformed"),
        ("http://{0}/a b", "malformed"),
        ("http://{0}\\@{1}/", "malformed"),
        ("http://{0}\t/", "malformed"),
        ("http://{0}:8080:80/", "malformed"),
        ("http://{0}:99999/", "port"),
        ("http://[::1/", "malformed"),
        ("http://a..{0}*/", "malformed"),
        ("http://{0}:22/", "port"),
        ("http://{0}:6379/", "port"),
        ("http://{0}:4222/", "port"),
        ("https://{0}:9000/", "port"),
    ],
)
async def test_what_is_no_plain_web_address_is_not_even_looked_up(target, url, reason):
    web = Web()
    with pytest.raises(UrlForbidden) as refused:
        await fetcher(resolve=web).fetch(url.format(SERVER, INSIDE), target, max_bytes=MAX)

    assert refused.value.facts == {"reason": reason}
    assert connected == []
    assert web.asked == []


@pytest.mark.parametrize(
    "found", [[INSIDE], [SERVER, INSIDE], [INSIDE, SERVER], [SERVER, "fd00::1"]]
)
async def test_one_inner_address_among_many_is_enough_to_refuse(target, found):
    with pytest.raises(UrlForbidden) as refused:
        await fetcher(resolve=Web(mixed=[found])).fetch(
            "http://mixed.example/", target, max_bytes=1
        )

    assert refused.value.facts == {"reason": "no public address"}
    assert connected == []


async def test_a_name_that_changes_its_mind_is_asked_once_for_each_connection(target):
    web = Web(rebinding=[[SERVER], [INSIDE]])
    async with serving(ok()) as server:
        asking = fetcher(server, resolve=web)
        await asking.fetch(f"http://rebinding.example:{server.port}/", target, max_bytes=MAX)
        assert web.asked == ["rebinding.example"]
        with pytest.raises(UrlForbidden):
            await asking.fetch(f"http://rebinding.example:{server.port}/", target, max_bytes=MAX)

    assert connected == [SERVER]


INNER = [
    "http://127.0.0.1:PORT/",
    "http://[::1]:PORT/",
    "//127.1:PORT/",
    "http://localhost:PORT/",
    "http://169.254.169.254/latest/meta-data/",
    "http://user@127.0.0.2:PORT/",
    "http://127.0.0.2:22/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:PORT/_x",
    "http://rebinding.example:PORT/",
    "http://127.0.0.2:PORT\\@127.0.0.1/",
]


@pytest.mark.parametrize("location", INNER)
async def test_a_redirect_leads_no_further_than_a_url(target, location):
    async with serving(lambda writer: write(writer, redirect(here))) as server:
        here = location.replace("PORT", str(server.port))
        rebinding = "rebinding" in location
        resolve = Web(rebinding=[[SERVER], [INSIDE]]) if rebinding else resolved
        url = f"http://{'rebinding.example' if rebinding else SERVER}:{server.port}/"
        with pytest.raises(UrlForbidden):
            await fetcher(server, resolve=resolve).fetch(url, target, max_bytes=MAX)

    assert set(connected) == {SERVER}
    assert len(server.requests) == 1


async def write(writer: asyncio.StreamWriter, answer: bytes) -> None:
    writer.write(answer)
    await writer.drain()


@pytest.mark.parametrize(
    "text",
    [
        "1.1.1.1",
        "8.8.8.8",
        "93.184.215.14",
        "2606:4700::1111",
        "2a00:1450:4001::5e",
        "64:ff9b::808:808",
    ],
)
def test_what_is_public_is_public(text):
    assert PublicAddresses()(text)


def test_exceptions_are_what_was_named_and_nothing_beside_it():
    public = PublicAddresses(networks("127.0.0.2/32, fd12::/16"))

    assert public("127.0.0.2")
    assert public("fd12::1")
    assert not public("127.0.0.1")
    assert not public("127.0.0.3")
    assert not public("fd13::1")
    assert not public("no address")
    with pytest.raises(ValueError):
        networks("127.0.0.1/33")


# Keeping us


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.02)


async def drip_head(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: 1\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def endless_head(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: " + b"x" * 8000 + b"\r\n")
        await writer.drain()


async def silence(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3)


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"8000\r\n" + bytes(0x8000) + b"\r\n")
        await writer.drain()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (drip, "too slow"),
        (drip_head, "too slow"),
        (silence, "too slow"),
        (endless_head, "malformed answer"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "malformed answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort", "malformed answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "malformed answer"),
        (ok(gzip.compress(bytes(10_000_000)), "Content-Encoding: gzip"), "encoded"),
        (ok(CONTENT, "Content-Encoding: br"), "encoded"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "not found there"),
        (b"HTTP/1.1 206 Partial\r\nContent-Length: 1\r\n\r\nx", "not found there"),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "too many redirects"),
    ],
)
async def test_a_server_that_plays_games_is_left(target, answer, reason):
    began = asyncio.get_running_loop().time()
    async with serving(answer) as server:
        asking = fetcher(server, patience=HASTY)
        with pytest.raises(ImportFailed) as refused:
            await asking.fetch(f"http://{SERVER}:{server.port}/", target, max_bytes=MAX)

    assert refused.value.facts["reason"] == reason
    assert asyncio.get_running_loop().time() - began < 2.5


@pytest.mark.parametrize("answer", [endless, ok(bytes(MAX + 1))])
async def test_more_than_may_be_is_not_taken(target, answer):
    async with serving(answer) as server:
        with pytest.raises(FileTooLarge) as refused:
            await fetcher(server).fetch(f"http://{SERVER}:{server.port}/", target, max_bytes=MAX)

    assert refused.value.facts["limitBytes"] == MAX
    assert not target.exists() or target.stat().st_size <= MAX


async def test_the_largest_that_may_be_is_taken(target):
    async with serving(ok(bytes(MAX))) as server:
        await fetcher(server).fetch(f"http://{SERVER}:{server.port}/", target, max_bytes=MAX)

    assert target.stat().st_size == MAX


async def test_nobody_there_is_unreachable(target):
    with socket.socket() as unused:
        unused.bind((SERVER, 0))
        server = Server(unused.getsockname()[1])
        with pytest.raises(ImportFailed) as refused:
            await fetcher(server).fetch(f"http://{SERVER}:{server.port}/", target, max_bytes=MAX)

    assert refused.value.facts == {"reason": "unreachable"}


async def test_time_in_all_is_limited_whatever_comes_in_between(target):
    patient = replace(HASTY, in_all=0.5, grace=10.0)
    async with serving(drip) as server:
        with pytest.raises(ImportFailed):
            await fetcher(server, patience=patient).fetch(
                f"http://{SERVER}:{server.port}/", target, max_bytes=MAX
            )


def test_the_hook_sees_connections():
    with socket.socket() as probe:
        probe.settimeout(0.1)
        probe.connect_ex((INSIDE, 9))

    assert connected == [INSIDE]
