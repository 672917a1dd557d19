"""A tus client that does exactly what a test says: no retries, no help."""

import base64
from typing import Any

import httpx

from tests.people import Person

PATH = "/v1/tus"
VERSION = {"Tus-Resumable": "1.0.0"}
BYTES = "application/offset+octet-stream"


class Tus:
    def __init__(self, person: Person) -> None:
        self.http = person.http

    def create(
        self, size: int | str, body: bytes | None = None, said: dict[str, str] | None = None, **more
    ) -> httpx.Response:
        headers = VERSION | {"Upload-Length": str(size)} | more
        if said is not None:
            headers["Upload-Metadata"] = metadata(**said)
        if body is not None:
            headers["Content-Type"] = BYTES
        return self.http.post(PATH, content=body, headers=headers)

    def created(self, size: int, **said: str) -> str:
        """The path of a new upload."""
        answer = self.create(size, said=said)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    def head(self, path: str) -> httpx.Response:
        return self.http.head(path, headers=VERSION)

    def offset(self, path: str) -> int:
        answer = self.head(path)
        assert answer.status_code == 200, answer.headers
        return int(answer.headers["Upload-Offset"])

    def patch(self, path: str, offset: Any, body: Any, **more: str) -> httpx.Response:
        headers = VERSION | {"Content-Type": BYTES, "Upload-Offset": str(offset)} | more
        return self.http.patch(path, content=body, headers=headers)

    def delete(self, path: str) -> httpx.Response:
        return self.http.delete(path, headers=VERSION)


def metadata(**said: str) -> str:
    return ",".join(f"{key} {encoded(value.encode())}" for key, value in said.items())


def encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()
