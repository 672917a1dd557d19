"""People who use the service: an account, a token, and what they do over HTTP."""

import email
import hashlib
import re
import secrets
import time
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import httpx

from tests.service import TRUST, Service

CORPUS = Path(__file__).with_name("corpus")
PASSWORD = "correct horse battery"  # noqa: S105 - everybody's in the tests


class Person:
    def __init__(self, service: Service, name: str = "person", email: str = "") -> None:
        self.name = f"{name}-{secrets.token_hex(5)}"
        self.email = email or f"{self.name}@example.org"
        self.service = service
        anonymous = service.client()
        account = {"username": self.name, "email": self.email, "password": PASSWORD}
        self.id: str = expect(anonymous.post("/v1/auth/signup", json=account), 201)["userId"]
        self.sign_in()

    def sign_in(self) -> None:
        """Again, for whoever lives longer than a token."""
        account = {"email": self.email, "password": PASSWORD}
        answer = self.service.client().post("/v1/auth/login", json=account)
        self.tokens: dict[str, Any] = expect(answer, 200)
        self.http = self.service.client(self.tokens["accessToken"])

    def initiate(self, content: bytes, filename: str = "a.jpg") -> dict[str, Any]:
        promise = {
            "filename": filename,
            "size": len(content),
            "contentType": "application/octet-stream",
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        return expect(self.http.post("/v1/uploads", json=promise), 201)

    def put(self, ticket: dict[str, Any], content: bytes) -> httpx.Response:
        return put(ticket["presignedUrl"], content, ticket["headers"])

    def finalize(self, ticket: dict[str, Any], **fields: Any) -> httpx.Response:
        return self.http.post("/v1/images", json={"uploadId": ticket["uploadId"], **fields})

    def upload(self, content: bytes, filename: str = "a.jpg", **fields: Any) -> dict[str, Any]:
        """An image by way of a presigned URL."""
        ticket = self.initiate(content, filename)
        assert self.put(ticket, content).status_code == 200
        return expect(self.finalize(ticket, **fields), 201)

    @property
    def usage(self) -> dict[str, Any]:
        return expect(self.http.get("/v1/me/usage"), 200)

    @property
    def taken(self) -> dict[str, Any]:
        """What they have sent and promised; what is made of it comes when there is time."""
        found = self.usage
        return {it: found[it] for it in ("storageBytes", "reservedBytes", "images", "uploads")}

    def developed(self, image: dict[str, Any], within: float = 20.0) -> dict[str, Any]:
        """The image once it is ready."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            found = expect(self.http.get(f"/v1/images/{image['imageId']}"), 200)
            if found["status"] == "ready":
                return found
            time.sleep(0.05)
        raise AssertionError(f"not ready: {found}")


def put(url: str, content: bytes, headers: dict[str, str]) -> httpx.Response:
    """As any client of an object store does it, without an account."""
    return httpx.put(url, content=content, headers=headers, timeout=60, verify=TRUST)


def expect(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, (answer.status_code, answer.text[:500])
    return dict(answer.json())


def eventually(holds: Callable[[], bool], within: float = 60.0) -> None:
    """What is done in the background."""
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def mailed(service: Service, address: str, subject: str) -> str:
    """The token in the newest mail to the address."""
    return re.search(r"\?token=([\w-]+)", letter(service, address, subject))[1]


def letter(service: Service, address: str, subject: str) -> str:
    """The newest mail to the address, as text."""
    found: list[tuple[float, EmailMessage]] = []

    def there() -> bool:
        for file in (service.data / "mail").glob("*.eml"):
            message = email.message_from_bytes(file.read_bytes(), policy=default)
            if (message["to"], message["subject"]) == (address, subject):
                found.append((file.stat().st_mtime, message))
        return bool(found)

    eventually(there, within=20)
    text: str = max(found, key=lambda it: it[0])[1].get_body(("plain",)).get_content()
    return text


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """A problem document, as RFC 9457 wants it."""
    assert answer.status_code == status, (answer.status_code, answer.text[:500])
    assert answer.headers["content-type"] == "application/problem+json"
    problem = dict(answer.json())
    assert problem["code"] == code, problem
    assert problem["status"] == status
    assert {"type", "title", "detail"} <= set(problem)
    return problem


def sample(name: str) -> bytes:
    return (CORPUS / name).read_bytes()


PHOTO = "exif/test-assets__picasa.jpg"
EACH_FORMAT = {
    "jpeg": PHOTO,
    "png": "valid/Pillow__pil123rgba.png",
    "gif": "animated/libvips__dispose-background.gif",
    "webp": "animated/sharp__animated-loop-3.webp",
    "heic": "heic/pillow_heif__xiaomi.heic",
    "avif": "orientation/libvips__avif-orientation-6.avif",
}
