"""The contract of the Edge port: what a CDN is asked, and what counts as its yes."""

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import pytest

from adapters import edge
from adapters.edge import HttpCdn, Varnish
from domain.ids import ImageId, to_text
from domain.refusals import Unavailable
from tests.service import free_port

IMAGE = ImageId(UUID(int=7))
KEY = to_text("img", IMAGE)


class PurgeApi(ThreadingHTTPServer):
    """A server of the tests' own, which notes what it is asked, and answers as it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, str, str]] = []
        self.status = 200
        self.go = threading.Event()
        self.go.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: PurgeApi

    def _any(self) -> None:
        self.server.go.wait(10)
        key = self.headers.get("Surrogate-Key") or self.headers.get("Cache-Tag") or ""
        self.server.asked.append((self.command, self.path, key))
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_DELETE = do_GET = do_BAN = _any  # noqa: N815 - as http.server looks for them

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server():
    with PurgeApi() as api:
        threading.Thread(target=api.serve_forever, daemon=True).start()
        yield api
        api.go.set()
        api.shutdown()


def varnish(url: str) -> Varnish:
    return Varnish([url])


def http_cdn(url: str) -> HttpCdn:
    return HttpCdn(f"{url}/purge", method="POST", header="Surrogate-Key: {key}")


either = pytest.mark.parametrize("cdn", [varnish, http_cdn])


@either
async def test_it_is_asked_once_by_the_images_key(server, cdn):
    await cdn(server.url).forget(IMAGE)
    [(_, _, key)] = server.asked
    assert key == KEY


@either
@pytest.mark.parametrize("status", [301, 307, 401, 404, 429, 500, 503])
async def test_whatever_is_not_a_yes_is_asked_again_later_and_no_redirect_is_followed(
    server, cdn, status
):
    server.status = status
    with pytest.raises(Unavailable):
        await cdn(server.url).forget(IMAGE)
    assert len(server.asked) == 1


@either
async def test_one_that_is_not_there_is_unavailable(cdn):
    with pytest.raises(Unavailable):
        await cdn(f"http://127.0.0.1:{free_port()}").forget(IMAGE)


@either
async def test_one_that_hangs_is_given_up(server, cdn, monkeypatch):
    monkeypatch.setattr(edge, "PATIENCE", 0.1)
    server.go.clear()
    async with asyncio.timeout(5):
        with pytest.raises(Unavailable):
            await cdn(server.url).forget(IMAGE)


async def test_every_varnish_must_agree(server):
    several = Varnish([server.url, f"http://127.0.0.1:{free_port()}"])
    with pytest.raises(Unavailable):
        await several.forget(IMAGE)


async def test_the_key_may_stand_in_the_url(server):
    """As Fastly's `POST /service/{id}/purge/{key}` has it."""
    cdn = HttpCdn(f"{server.url}/service/s/purge/{{key}}", method="DELETE", header="")
    await cdn.forget(IMAGE)
    assert server.asked == [("DELETE", f"/service/s/purge/{KEY}", "")]


async def test_the_header_is_named_as_the_cdn_has_it(server):
    cdn = HttpCdn(server.url, method="POST", header="Cache-Tag: {key}")
    await cdn.forget(IMAGE)
    assert server.asked == [("POST", "/", KEY)]
