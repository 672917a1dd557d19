"""A server that speaks the contract's part on uploads in parts, and misbehaves on purpose."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Moody(ThreadingHTTPServer):
    """`moods`: answers to give to a request before the good one; None breaks the connection."""

    daemon_threads = True
    PART = 100_000

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.moods: dict[str, list[tuple[int, dict[str, str]] | None]] = {}
        self.asked: list[str] = []
        self.keys: list[str] = []
        self.parts: dict[int, bytes] = {}
        self.tokens = ["t1"]
        self.status = "initiated"
        self.lock = threading.Lock()

    def ticket(self) -> dict[str, Any]:
        numbers = [n for n in range(1, 6) if n not in self.parts]
        return {
            "uploadId": "upl_1",
            "presignedUrl": f"{self.url}/whole",
            "method": "PUT",
            "headers": {},
            "expiresIn": 900,
            "multipart": {
                "partSize": self.PART,
                "parts": [
                    {"partNumber": n, "presignedUrl": f"{self.url}/part/{n}"} for n in numbers
                ],
            },
        }

    def standing(self) -> dict[str, Any]:
        received = [{"partNumber": n, "size": len(it)} for n, it in self.parts.items()]
        return {"uploadId": "upl_1", "status": self.status, "parts": received}

    def image(self) -> dict[str, Any]:
        return {"imageId": "img_1", "url": f"{self.url}/images/img_1"}


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Moody

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PUT(self) -> None:
        self._answer("PUT")

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, method: str) -> None:
        what = f"{method} {self.path}"
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.server.lock:
            self.server.asked.append(what)
            moods = self.server.moods.get(what)
            if moods:
                mood = moods.pop(0)
                if mood is None:
                    self.close_connection = True
                    self.connection.close()
                    return
                self._send(mood[0], {"code": "moody", "detail": "no"}, mood[1])
                return
            self._good(what, body)

    def _good(self, what: str, body: bytes) -> None:
        server = self.server
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if what == "POST /v1/auth/login":
            tokens = {"accessToken": server.tokens[-1], "refreshToken": "r"}
            self._send(200, tokens)
        elif what == "POST /v1/auth/refresh":
            self._send(401, {"code": "unauthenticated", "detail": "dead"})
        elif what.startswith("PUT /part/"):
            server.parts[int(what.rpartition("/")[2])] = body
            self._send(200, {})
        elif token != server.tokens[-1]:
            self._send(401, {"code": "unauthenticated", "detail": "expired"})
        elif what == "POST /v1/uploads":
            server.keys.append(self.headers["Idempotency-Key"])
            self._send(201, server.ticket())
        else:
            known = {
                "GET /v1/me": {"userId": "u_1"},
                "GET /v1/uploads/upl_1": server.standing(),
                "POST /v1/images": server.image(),
            }
            self._send(200, known[what])

    def _send(self, status: int, document: dict[str, Any], headers: dict[str, str] = {}) -> None:  # noqa: B006 - read only
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
