"""A client that knows exactly what every read has to answer: nobody else writes to its account."""

import random
import threading
import time
from collections import Counter
from typing import Any
from uuid import uuid4

import httpx

from tests.people import Person, expect, sample
from tests.service import Service

PIXEL = sample("valid/sharp__2x2_fdcce6.png")
AGAIN = (httpx.TransportError,)
"""What a client of a service that is hurt sees, and sends its request again."""


class Writer(threading.Thread):
    """Writes and looks, without end. Each title is a word of its own, and the number of the write
    that gave it."""

    def __init__(self, service: Service, number: int) -> None:
        super().__init__(daemon=True)
        self.person = Person(service, f"writer{number}")
        self.random = random.Random(number)  # noqa: S311 - to be repeated
        self.titles: dict[str, str] = {}
        """Of the images that are there."""
        self.trash: dict[str, str] = {}
        self.albums: dict[str, tuple[str, set[str]]] = {}
        """Title, and what was put into it."""
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.over = threading.Event()
        self.position = "0"
        self._writes = 0
        self._glimpsed: dict[str, int] = {}
        """The number of the newest write that was seen of each image."""

    def run(self) -> None:
        acts = [self.upload, self.change, self.change, self.delete, self.restore]
        acts += [self.collect, self.put, self.tag]
        looks = [self.listing, self.image, self.album, self.glance, self.found, self.gone]
        while not self.over.is_set():
            try:
                self.random.choice(acts)()
                self.listing()
                self.random.choice(looks)()
            except Exception as error:
                self.wrong.append(repr(error))
                return

    # Writes

    def upload(self) -> None:
        title = self.title()
        files = {"file": ("chaos.png", PIXEL)}
        answer = self.sent("POST", "/v1/images", files=files, data={"title": title})
        self.titles[answer.json()["imageId"]] = title

    def change(self) -> None:
        if self.titles:
            id, title = self.one(self.titles), self.title()
            self.sent("PATCH", f"/v1/images/{id}", json={"title": title})
            self.titles[id] = title

    def tag(self) -> None:
        """Several at once."""
        if self.titles:
            ids = list({self.one(self.titles) for _ in range(5)})
            body = {"action": "tag", "imageIds": ids, "tags": [self.person.name]}
            self.sent("POST", "/v1/images/bulk", json=body)

    def delete(self) -> None:
        if self.titles:
            id = self.one(self.titles)
            self.sent("DELETE", f"/v1/images/{id}", gone=404)
            self.trash[id] = self.titles.pop(id)

    def restore(self) -> None:
        if self.trash:
            id = self.one(self.trash)
            self.sent("POST", f"/v1/images/{id}/restore")
            self.titles[id] = self.trash.pop(id)

    def collect(self) -> None:
        """A new album; later a new name for one."""
        title = self.title()
        if len(self.albums) < 3:
            answer = self.sent("POST", "/v1/albums", json={"title": title})
            self.albums[answer.json()["albumId"]] = title, set()
        else:
            id = self.one(self.albums)
            self.sent("PATCH", f"/v1/albums/{id}", json={"title": title})
            self.albums[id] = title, self.albums[id][1]

    def put(self) -> None:
        if self.albums and self.titles:
            album, image = self.one(self.albums), self.one(self.titles)
            self.sent("PUT", f"/v1/albums/{album}/images/{image}")
            self.albums[album][1].add(image)

    # Reads, at the position that the last write was told

    def listing(self) -> None:
        listed = self.read("/v1/images", user=self.person.id, limit=100).json()
        if listed["total"] != len(self.titles):
            self.wrong.append(f"{listed['total']} images listed, not {len(self.titles)}")
        for image in listed["images"]:
            self.same(image["imageId"], image["title"], self.titles.get(image["imageId"]))

    def image(self) -> None:
        if self.titles:
            id = self.one(self.titles)
            self.same(id, self.read(f"/v1/images/{id}").json()["title"], self.titles[id])

    def album(self) -> None:
        if self.albums:
            id = self.one(self.albums)
            title, images = self.albums[id]
            self.same(id, self.read(f"/v1/albums/{id}").json()["title"], title)
            inside = self.read(f"/v1/albums/{id}/images", limit=100).json()
            self.same(id, inside["total"], len(images & self.titles.keys()))

    def found(self) -> None:
        """By full text."""
        if self.titles:
            id = self.one(self.titles)
            word = self.titles[id].partition(" ")[0]
            hits = self.read("/v1/search", q=word).json()["images"]
            self.same(id, [it["title"] for it in hits], [self.titles[id]])

    def gone(self) -> None:
        if self.trash:
            id = self.one(self.trash)
            self.read(f"/v1/images/{id}", status=404)
            self.read(f"/images/{id}", status=404)

    def glance(self) -> None:
        """Without saying how far one is: what was seen once is never unseen."""
        if self.titles:
            id = self.one(self.titles)
            answer = self.answered("GET", f"/v1/images/{id}", {})
            if answer and answer.status_code == 200:
                number = int(answer.json()["title"].rpartition(" ")[2])
                if number < self._glimpsed.get(id, 0):
                    self.wrong.append(f"{id} went back to write {number}")
                self._glimpsed[id] = number
                self.counts["glanced"] += 1

    def same(self, id: str, found: Any, known: Any) -> None:
        if found != known:
            self.wrong.append(f"{id}: {found}, not {known}")

    def one(self, among: dict[str, Any]) -> str:
        return self.random.choice(list(among))

    def title(self) -> str:
        self._writes += 1
        return f"{uuid4().hex} {self._writes}"

    def sent(self, method: str, path: str, gone: int = 0, **body: Any) -> httpx.Response:
        """Acknowledged, however often that takes."""
        headers = {"Idempotency-Key": uuid4().hex} if method == "POST" else {}
        for attempt in range(10_000):
            answer = self.answered(method, path, headers, **body)
            if answer is None:
                continue
            if answer.is_success or (attempt and answer.status_code == gone):
                self.counts["acknowledged"] += 1
                self.position = answer.headers.get("darkroom-position", self.position)
                return answer
            assert answer.status_code in (409, 503), (method, path, answer.text)
            self.counts["unavailable"] += 1
            time.sleep(0.1)
        raise AssertionError("never acknowledged")

    def read(self, path: str, status: int = 200, **asked: Any) -> httpx.Response:
        headers = {"Darkroom-Min-Position": self.position}
        while True:
            answer = self.answered("GET", path, headers, params=asked)
            if answer is None:
                continue
            if answer.status_code == status:
                self.counts["read"] += 1
                return answer
            assert answer.status_code == 503, (path, answer.text)
            self.counts["unavailable"] += 1
            time.sleep(0.1)

    def answered(self, method: str, path: str, headers: Any, **sent: Any) -> httpx.Response | None:
        """None where nobody answered, whether it was done or not."""
        try:
            return self.person.http.request(method, path, headers=headers, **sent)
        except AGAIN:
            self.counts["unreachable"] += 1
            time.sleep(0.1)
            return None

    def check(self) -> None:
        """At the end, when nobody is hurt any more: nothing acknowledged was lost."""
        assert self.wrong == []
        for id, title in self.titles.items():
            assert expect(self.person.http.get(f"/v1/images/{id}"), 200)["title"] == title
        for id in self.trash:
            assert self.person.http.get(f"/v1/images/{id}").status_code == 404
        for id, (title, images) in self.albums.items():
            album = expect(self.person.http.get(f"/v1/albums/{id}"), 200)
            assert album["title"] == title
            assert album["imageCount"] == len(images & self.titles.keys())
