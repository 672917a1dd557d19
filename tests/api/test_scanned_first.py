"""The gate over HTTP, with a real clamd that dies, hangs, comes back and learns new viruses."""

import socket
import socketserver
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clamd import polyglot
from tests.people import PHOTO, Person, eventually, expect, refused, sample

pytestmark = pytest.mark.xdist_group("gate")

FOUND = "clamd found Darkroom.Test.Eicar.UNOFFICIAL"
FILLED = {"{variant}": "small.webp", "{ops}": "w_640", "{share}": "shr_0"}


@pytest.fixture(scope="module")
def cat(gated):
    return Person(gated, "cat")


@pytest.fixture(scope="module")
def stranger(gated):
    return Person(gated, "stranger")


@pytest.fixture(scope="module")
def routes(gated):
    """Every route that tells or shows something of one image."""
    paths = gated.client().get("/schema/openapi.json").json()["paths"]
    found = [
        path
        for path, methods in paths.items()
        if "get" in methods and path.startswith(("/images/{id}", "/v1/images/{id}"))
    ]
    assert len(found) > 8
    return found


@pytest.fixture
def running(clamd):
    """Whatever a test does to clamd, the next one finds it at work."""
    yield clamd
    clamd.stop()
    clamd.start()


def filled(path: str, image: dict) -> str:
    for name, value in (FILLED | {"{id}": image["imageId"]}).items():
        path = path.replace(name, value)
    return path


def bytes_of(image: dict) -> str:
    return f"/images/{image['imageId']}"


def is_public(service, image: dict) -> bool:
    return service.client().get(bytes_of(image)).status_code == 200


def state(person: Person, image: dict) -> str:
    answer = person.http.get(f"/v1/images/{image['imageId']}")
    return answer.json()["status" if answer.is_success else "code"]


def assert_shut(gated, cat, stranger, routes, image):
    """To all but its owner, who sees that it is being processed."""
    assert state(cat, image) == "processing"
    assert cat.http.get(bytes_of(image)).status_code == 200
    url = f"/v1/images/{image['imageId']}/signed-url"
    signed = expect(cat.http.post(url, json={"variant": "small.webp"}), 200)["url"]
    lent = {"permissions": ["view", "download"]}
    shared = expect(cat.http.post(f"/v1/images/{image['imageId']}/share", json=lent), 201)
    collaborators = f"/v1/images/{image['imageId']}/collaborators/{stranger.id}"
    assert cat.http.put(collaborators, json=lent).is_success
    for http in (gated.client(), stranger.http):
        refused(http.get(signed), 403, "forbidden")
        refused(http.get(shared["shareUrl"]), 403, "forbidden")
        for path in routes:
            answer = http.get(filled(path, image), follow_redirects=True)
            assert answer.status_code in (401, 403, 404), (path, answer.status_code)
        refused(http.get(bytes_of(image)), 403, "forbidden")
        assert image["imageId"] not in http.get("/images", params={"limit": 100}).text


def test_what_is_clean_becomes_public_once_it_was_scanned(gated, cat):
    image = cat.upload(sample(PHOTO), visibility="public")

    eventually(lambda: is_public(gated, image))

    assert cat.developed(image)["status"] == "ready"
    story = expect(cat.http.get(f"/v1/images/{image['imageId']}/history"), 200)
    (cleared,) = [it for it in story["events"] if it["type"] == "image.cleared"]
    assert cleared["data"]["scanner"] == "clamd"
    scanner = gated.await_ready()["services"]["scanner"]
    assert scanner["state"] == "up"
    assert scanner["name"] == "clamd"
    assert scanner["note"].startswith("ClamAV")


def test_a_virus_in_a_picture_is_shut_away_from_everybody(gated, cat, stranger, reviewer, routes):
    image = cat.upload(polyglot(sample(PHOTO)), visibility="public")

    eventually(lambda: state(cat, image) == "quarantined")

    for person in (stranger, reviewer):
        refused(person.http.get(bytes_of(image)), 403, "forbidden")
        for path in routes:
            answer = person.http.get(filled(path, image))
            kept = person is reviewer and path.endswith("/history")
            assert answer.status_code in (403, 404) or kept, (path, answer.status_code)
    assert not is_public(gated, image)
    eventually(lambda: notices(cat, image))
    (notice,) = notices(cat, image)
    assert (notice["kind"], notice["reason"], notice["readAt"]) == ("quarantined", FOUND, None)
    assert notices(stranger, image) == []


def test_its_owner_sees_what_is_quarantined_and_why_and_deletes_it_for_good(gated, cat, routes):
    image = cat.upload(polyglot(sample(PHOTO)), title="Holiday")
    path = f"/v1/images/{image['imageId']}"
    eventually(lambda: state(cat, image) == "quarantined")

    seen = expect(cat.http.get(path), 200)
    assert (seen["title"], seen["closed"]["reason"]) == ("Holiday", "quarantined")
    assert seen["closed"]["explanation"] == FOUND
    listed = expect(cat.http.get("/v1/images", params={"limit": 100}), 200)["images"]
    (found,) = [it for it in listed if it["imageId"] == image["imageId"]]
    assert found["status"] == "quarantined"
    assert "Holiday" in cat.http.get("/v1/search", params={"q": "Holiday"}).text
    for route in routes:
        answer = cat.http.get(filled(route, image))
        assert not answer.headers["content-type"].startswith("image/"), route
    for what in (bytes_of(image), f"{bytes_of(image)}/small.webp", f"{path}/file"):
        refused(cat.http.get(what), 403, "image_quarantined")

    expect(cat.http.delete(path), 200)
    expect(cat.http.post(f"{path}/restore"), 200)
    assert state(cat, image) == "quarantined"
    expect(cat.http.post(f"{path}/purge"), 202)
    assert state(cat, image) == "not_found"


def notices(person: Person, image: dict) -> list[dict]:
    found = expect(person.http.get("/v1/notifications"), 200)["notifications"]
    return [it for it in found if it["imageId"] == image["imageId"]]


def queued(reviewer: Person, image: dict, **asked) -> list[dict]:
    asked |= {"limit": 100}
    found = expect(reviewer.http.get("/v1/admin/quarantine", params=asked), 200)["images"]
    return [it for it in found if it["imageId"] == image["imageId"]]


def decided(reviewer: Person, image: dict, what: str):
    path = f"/v1/admin/quarantine/{image['imageId']}/{what}"
    return reviewer.http.post(path, json={"reason": "looked at it"})


def test_an_administrator_looks_at_what_was_found_and_lets_it_pass(gated, cat, reviewer):
    infected = polyglot(sample(PHOTO))
    image = cat.upload(infected, visibility="public")
    file = f"/v1/admin/quarantine/{image['imageId']}/file"
    eventually(lambda: queued(reviewer, image))

    (found,) = queued(reviewer, image)
    assert found["finding"] == "Darkroom.Test.Eicar.UNOFFICIAL"
    assert (found["scanner"], found["ownerId"]) == ("clamd", cat.id)
    answer = reviewer.http.get(file)
    assert answer.content == infected
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["cache-control"] == "no-store"
    for what in ("release", "confirm"):
        refused(decided(cat, image, what), 403, "forbidden")
    refused(cat.http.get(file), 403, "forbidden")
    refused(cat.http.get("/v1/admin/quarantine"), 403, "forbidden")

    expect(decided(reviewer, image, "release"), 200)

    assert is_public(gated, image)
    assert queued(reviewer, image) == []
    refused(reviewer.http.get(file), 404, "not_found")
    eventually(lambda: len(notices(cat, image)) == 2)
    again = f"/v1/admin/images/{image['imageId']}/rescan"
    expect(reviewer.http.post(again, json={"reason": "sure?"}), 202)
    story = f"/v1/images/{image['imageId']}/history"
    eventually(lambda: "image.rescan-passed" in cat.http.get(story).text)
    assert is_public(gated, image)


def test_what_an_administrator_confirms_leaves_the_queue_and_stays_shut(gated, cat, reviewer):
    image = cat.upload(polyglot(sample(PHOTO)), visibility="public")
    refused(decided(reviewer, {"imageId": "img_nonsense"}, "confirm"), 404, "not_found")
    eventually(lambda: queued(reviewer, image))

    expect(decided(reviewer, image, "confirm"), 200)

    assert queued(reviewer, image) == []
    (kept,) = queued(reviewer, image, confirmed="true")
    assert kept["confirmed"] is True
    refused(cat.http.get(bytes_of(image)), 403, "image_quarantined")
    clean = cat.upload(sample(PHOTO))
    eventually(lambda: state(cat, clean) == "ready")
    refused(decided(reviewer, clean, "confirm"), 409, "conflict")


def test_while_the_scanner_is_down_uploads_go_on_and_nothing_becomes_public(
    gated, running, cat, stranger, routes
):
    running.stop()
    image, other = (cat.upload(sample(PHOTO), visibility="public") for _ in range(2))
    infected = cat.upload(polyglot(sample(PHOTO)), visibility="public")

    assert_shut(gated, cat, stranger, routes, image)
    ready = gated.await_ready()
    assert ready["services"]["scanner"]["state"] == "down"
    running.start()

    eventually(lambda: is_public(gated, image) and is_public(gated, other))
    eventually(lambda: state(cat, infected) == "quarantined")
    assert gated.await_ready()["services"]["scanner"]["state"] == "up"


def test_while_the_scanner_hangs_nothing_becomes_public(gated, running, cat, stranger, routes):
    running.hang()
    image = cat.upload(sample(PHOTO), visibility="public")

    assert_shut(gated, cat, stranger, routes, image)
    running.go_on()

    eventually(lambda: is_public(gated, image))


class Confused(socketserver.StreamRequestHandler):
    answer = b""

    def handle(self):
        self.request.recv(64)
        if not self.answer:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            return
        self.request.sendall(self.answer)


@contextmanager
def in_its_place(clamd, answer: bytes):
    """Somebody else listens where clamd did."""
    clamd.stop()
    handler = type("Handler", (Confused,), {"answer": answer})
    with socketserver.ThreadingUnixStreamServer(clamd.socket, handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        yield
        server.shutdown()
    Path(clamd.socket).unlink()
    clamd.start()


@pytest.mark.parametrize(
    "answer", [b"", b"OK\0", b"stream: OK", b"INSTREAM size limit exceeded. ERROR\0"]
)
def test_while_the_scanner_talks_nonsense_nothing_becomes_public(
    gated, running, cat, stranger, routes, answer
):
    with in_its_place(running, answer):
        image = cat.upload(sample(PHOTO), visibility="public")
        assert_shut(gated, cat, stranger, routes, image)
        eventually(lambda: gated.await_ready()["services"]["scanner"]["state"] == "down")
        assert not is_public(gated, image)

    eventually(lambda: is_public(gated, image))


def test_what_newer_signatures_find_is_shut_away_when_scanned_again(gated, running, cat, reviewer):
    because = {"reason": "new signatures"}
    young = sample(PHOTO) + b"<NOT YET KNOWN 7f3a>"
    image = cat.upload(young, visibility="public")
    other = cat.upload(sample(PHOTO), visibility="public")
    eventually(lambda: is_public(gated, image) and is_public(gated, other))
    path = f"/v1/admin/images/{image['imageId']}/rescan"
    refused(cat.http.post(path, json=because), 403, "forbidden")

    running.learn("Young", b"<NOT YET KNOWN 7f3a>")
    expect(reviewer.http.post(path, json=because), 202)

    eventually(lambda: not is_public(gated, image))
    refused(cat.http.get(bytes_of(image)), 403, "image_quarantined")
    assert is_public(gated, other)


def test_everything_can_be_scanned_again(gated, running, cat, reviewer):
    late = cat.upload(sample(PHOTO) + b"<LATE 91c2>", visibility="public")
    eventually(lambda: is_public(gated, late))
    running.learn("Late", b"<LATE 91c2>")

    asked = {"reason": "an outbreak", "since": "2020-01-01T00:00:00Z"}
    requested = expect(reviewer.http.post("/v1/admin/rescan", json=asked), 202)

    assert requested["requested"] >= 1
    assert requested["nextCursor"] is None
    eventually(lambda: not is_public(gated, late))
    clean = cat.upload(sample(PHOTO), visibility="public")
    eventually(lambda: is_public(gated, clean))
    none = {"reason": "nothing is that young", "since": "2100-01-01T00:00:00Z"}
    assert expect(reviewer.http.post("/v1/admin/rescan", json=none), 202)["requested"] == 0
