"""What may come in and leave in a month, by plan: exact where it comes in, soon where it leaves."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.people import Person, eventually, expect, refused
from tests.service import Service

SIZE = 76
"""Of the dot."""
UPLOADS, DOWNLOADS = 10 * SIZE, 2_000


@pytest.fixture(scope="module")
def thin(tmp_path_factory):
    running = Service(
        tmp_path_factory.mktemp("thin") / "data",
        DARKROOM_PLANS=f'{{"free": {{"uploadBytes": {UPLOADS}, "downloadBytes": {DOWNLOADS}}}}}',
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture
def may(thin):
    return Person(thin, "may")


def test_of_20_at_once_just_as_many_come_in_as_may(may, dot):
    tickets = [may.initiate(dot) for _ in range(20)]
    for ticket in tickets:
        assert may.put(ticket, dot).status_code == 200

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(may.finalize, tickets))

    assert sorted(it.status_code for it in answers) == [201] * 10 + [429] * 10
    shown = may.usage
    assert (shown["uploadedBytes"], shown["uploadLimitBytes"]) == (UPLOADS, UPLOADS)
    assert shown["images"] == 10


def test_who_has_sent_enough_is_told_before_sending_more(may, dot):
    for _ in range(9):
        image = may.upload(dot)
    expect(may.http.post(f"/v1/images/{image['imageId']}/purge"), 202)
    promise = {"filename": "a.png", "contentType": "image/png"}

    answer = may.http.post("/v1/uploads", json=promise | {"size": SIZE + 1})

    problem = refused(answer, 429, "transfer_exceeded")
    figures = (problem["limitBytes"], problem["usedBytes"], problem["requestedBytes"])
    assert figures == (UPLOADS, 9 * SIZE, SIZE + 1), "what was purged had come in all the same"
    assert 0 < int(answer.headers["retry-after"]) <= 31 * 86_400 + 1
    files = {"file": ("a.png", dot + b"x" * 5)}
    refused(may.http.post("/v1/images", files=files), 429, "transfer_exceeded")
    assert may.usage["reservedBytes"] == 0
    expect(may.http.post("/v1/uploads", json=promise | {"size": SIZE}), 201)


def test_what_was_fetched_enough_of_is_fetched_no_more(thin, may, dot):
    image = may.developed(may.upload(dot, visibility="public"))
    other = Person(thin, "other")
    others = other.developed(other.upload(dot, visibility="public"))
    anyone, paths = thin.client(), ("", "/small.webp", "/thumb.jpg", "/t/w_64.webp")

    def spent():
        return anyone.get(f"/images/{image['imageId']}").status_code == 429

    assert anyone.get(f"/images/{image['imageId']}/small.webp").status_code == 200
    eventually(spent)

    shown = may.usage
    assert shown["downloadedBytes"] >= DOWNLOADS == shown["downloadLimitBytes"]

    def refuses_all():
        codes = {anyone.get(f"/images/{image['imageId']}{it}").status_code for it in paths}
        return codes == {429}

    eventually(refuses_all)  # each of the processes knows it within seconds
    answer = anyone.get(f"/images/{image['imageId']}/small.webp")
    assert refused(answer, 429, "transfer_exceeded")["limitBytes"] == DOWNLOADS
    assert int(answer.headers["retry-after"]) > 0
    assert anyone.get(f"/images/{others['imageId']}/small.webp").status_code == 200
    assert expect(may.http.get(f"/v1/images/{image['imageId']}"), 200)["status"] == "ready"
