"""Where webhooks lead: a real HTTP server that answers as it is told, and checks signatures."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

from standardwebhooks import Webhook

from tests.elsewhere import ELSEWHERE

Answer = Callable[[BaseHTTPRequestHandler], None]


def good(handler: BaseHTTPRequestHandler) -> None:
    answer(handler, 204)


def answer(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def slow(seconds: float) -> Answer:
    def late(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(seconds)
        good(handler)

    return late


def confused(handler: BaseHTTPRequestHandler) -> None:
    """No HTTP at all."""
    handler.wfile.write(b"\x16\x03\x01 220 ready\r\n\r\n")
    handler.close_connection = True


class Receiver:
    """`answers` come first, one for each request; then it is good. `told` is what it took well."""

    def __init__(self, port: int = 0) -> None:
        self.answers: list[Answer] = []
        self.always: Answer | None = None
        self.pause = 0.0
        """Seconds before it answers."""
        self.secret = ""
        self.told: list[dict[str, Any]] = []
        self.ids: list[str] = []
        """Of every request, whatever was answered."""
        self.signatures: list[str] = []
        self._server: ThreadingHTTPServer | None = None
        self.port = port
        self.path = f"/{uuid4().hex}"
        self.up()

    def url(self) -> str:
        return f"http://{ELSEWHERE}:{self.port}{self.path}"

    def up(self) -> None:
        """On one of the few ports that are connected to; the same one after being down."""
        for port in [self.port] if self.port else range(8400, 9000):
            with suppress(OSError):
                self._server = ThreadingHTTPServer((ELSEWHERE, port), self._handler())
                self.port = port
                threading.Thread(target=self._server.serve_forever, daemon=True).start()
                return
        raise AssertionError("no port is free")

    def down(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path != receiver.path:  # of one that had the port before
                    answer(self, 410)
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.ids.append(headers["webhook-id"])
                receiver.signatures.append(headers["webhook-signature"])
                time.sleep(receiver.pause)
                reply = receiver.always or good
                if receiver.answers:
                    reply = receiver.answers.pop(0)
                if reply is good and receiver.secret:
                    receiver.told.append(Webhook(receiver.secret).verify(body, headers))
                with suppress(BrokenPipeError, ConnectionResetError):
                    reply(self)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
