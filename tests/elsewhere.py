"""The rest of the web: a server that is not Darkroom's, where images can be imported from."""

import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.people import sample

ELSEWHERE = "127.0.0.2"
"""The one address of this machine that the tests' Darkroom may import from."""


class Web:
    """What it answers, by path: bytes, or where to go. Everything that was asked is noted."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes | str] = {
            "/picture.png": sample("valid/sharp__2x2_fdcce6.png"),
            "/no-picture.png": b"<html></html>",
        }
        self.asked: list[str] = []
        self._server = self._bound()
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://{ELSEWHERE}:{self._server.server_port}{path}"

    def _bound(self) -> ThreadingHTTPServer:
        """On one of the few ports that are imported from."""
        for port in range(8100, 9000):
            try:
                return ThreadingHTTPServer((ELSEWHERE, port), self._handler())
            except OSError:
                continue
        raise AssertionError("no port is free")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        pages, asked = self.pages, self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                page = pages.get(self.path.partition("?")[0])
                body = page if isinstance(page, bytes) else b""
                self.send_response(404 if page is None else 200 if body else 302)
                if isinstance(page, str):
                    self.send_header("Location", page)
                self.send_header("Content-Type", "image/png")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


@cache
def web() -> Web:
    """One for a test process."""
    return Web()
