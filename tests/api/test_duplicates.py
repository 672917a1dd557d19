"""The same bytes by the same owner: recognised always, kept once where the owner wants it so."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.people import Person, expect, sample

RGB = sample("valid/Pillow__rgb.jpg")


@pytest.fixture
def keeper(service):
    return Person(service, "keeper")


@pytest.fixture
def saver(service):
    """Wants each picture only once."""
    person = Person(service, "saver")
    changed = expect(person.http.patch("/v1/me", json={"duplicates": "return"}), 200)
    assert changed["duplicates"] == "return"
    return person


def picture() -> bytes:
    """A picture nobody has: what stands behind its end makes another checksum."""
    return RGB + os.urandom(8)


def send(person: Person, *contents: bytes):
    files = [("file", (f"{n}.jpg", content)) for n, content in enumerate(contents)]
    return person.http.post("/v1/images", files=files)


def listed(person: Person) -> set[str]:
    found = expect(person.http.get("/v1/images", params={"user": person.id, "limit": 100}), 200)
    return {image["imageId"] for image in found["images"]}


def test_a_setting_says_what_becomes_of_duplicates(keeper):
    assert expect(keeper.http.get("/v1/me"), 200)["duplicates"] == "keep"
    assert keeper.http.patch("/v1/me", json={"duplicates": "maybe"}).status_code == 422


def test_a_duplicate_is_kept_and_names_the_oldest_that_is_alive(keeper):
    content = picture()
    first = keeper.upload(content)
    second = keeper.upload(content)
    third = expect(send(keeper, content), 201)

    assert first["duplicateOf"] is None
    assert second["duplicateOf"] == third["duplicateOf"] == first["imageId"]
    assert len(listed(keeper)) == 3
    assert keeper.usage["storageBytes"] == 3 * len(content)

    expect(keeper.http.delete(f"/v1/images/{first['imageId']}"), 200)
    assert expect(send(keeper, content), 201)["duplicateOf"] == second["imageId"]
    assert "duplicateOf" not in expect(keeper.http.get(f"/v1/images/{third['imageId']}"), 200)


def test_a_batch_names_them_too(keeper):
    content = picture()
    first = keeper.upload(content)
    tickets = [keeper.initiate(content) for _ in range(2)]
    for ticket in tickets:
        keeper.put(ticket, content)

    images = [{"uploadId": ticket["uploadId"]} for ticket in tickets]
    results = expect(keeper.http.post("/v1/images/batch", json={"images": images}), 200)["results"]
    several = expect(send(keeper, content, picture()), 201)["results"]

    assert [it["image"]["duplicateOf"] for it in results] == [first["imageId"]] * 2
    assert [it["image"]["duplicateOf"] for it in several] == [first["imageId"], None]


def test_anothers_image_is_never_told_of(keeper, service):
    content = picture()
    keeper.upload(content, visibility="public")
    stranger = Person(service, "stranger")
    expect(stranger.http.patch("/v1/me", json={"duplicates": "return"}), 200)

    assert stranger.upload(content)["duplicateOf"] is None


def test_who_wants_each_once_is_given_the_image_that_is_there(saver):
    content = picture()
    first = saver.upload(content, title="first")
    ticket = saver.initiate(content)
    saver.put(ticket, content)

    again = expect(saver.finalize(ticket, title="second"), 200)

    assert again["imageId"] == again["duplicateOf"] == first["imageId"]
    assert again["title"] == "first"
    assert listed(saver) == {first["imageId"]}
    assert saver.usage["storageBytes"] == len(content)
    assert saver.usage["reservedBytes"] == 0
    assert saver.usage["images"] == 1


def test_the_closed_upload_says_where_its_bytes_are(saver):
    content = picture()
    first = saver.upload(content)
    ticket = saver.initiate(content)
    saver.put(ticket, content)
    expect(saver.finalize(ticket), 200)

    upload = expect(saver.http.get(f"/v1/uploads/{ticket['uploadId']}"), 200)

    assert (upload["status"], upload["imageId"]) == ("finalized", first["imageId"])
    assert expect(saver.finalize(ticket), 200)["imageId"] == first["imageId"]
    assert saver.http.delete(f"/v1/uploads/{ticket['uploadId']}").status_code == 204
    hidden = ticket["uploadId"].replace("upl_", "img_")
    assert saver.http.get(f"/v1/images/{hidden}").status_code == 404


def test_a_form_is_answered_the_same_way(saver):
    content = picture()
    first = expect(send(saver, content), 201)

    again = expect(send(saver, content), 200)
    several = expect(send(saver, content, picture()), 201)["results"]

    assert again["imageId"] == first["imageId"]
    assert [it["status"] for it in several] == [200, 201]
    assert several[0]["image"]["imageId"] == first["imageId"]


def test_what_was_kept_before_the_setting_counts_too(keeper):
    content = picture()
    first = keeper.upload(content)
    expect(keeper.http.patch("/v1/me", json={"duplicates": "return"}), 200)

    assert expect(send(keeper, content), 200)["imageId"] == first["imageId"]


def test_a_deleted_image_makes_room_for_a_new_one(saver):
    content = picture()
    first = saver.upload(content)
    expect(saver.http.delete(f"/v1/images/{first['imageId']}"), 200)

    second = expect(send(saver, content), 201)

    assert second["imageId"] != first["imageId"]
    assert expect(send(saver, content), 200)["imageId"] == second["imageId"]


def test_of_many_at_once_exactly_one_is_kept(saver):
    content = picture()
    tickets = [saver.initiate(content) for _ in range(6)]
    for ticket in tickets:
        saver.put(ticket, content)

    with ThreadPoolExecutor(12) as pool:
        finalized = [pool.submit(saver.finalize, ticket) for ticket in tickets]
        sent = [pool.submit(send, saver, content) for _ in range(6)]
        answers = [it.result() for it in finalized + sent]

    assert sorted(answer.status_code for answer in answers) == [200] * 11 + [201]
    assert len({answer.json()["imageId"] for answer in answers}) == 1
    assert len(listed(saver)) == 1
    assert saver.usage["storageBytes"] == len(content)
    assert saver.usage["reservedBytes"] == 0


def test_of_many_at_once_all_are_kept_by_default(keeper):
    content = picture()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: send(keeper, content), range(6)))

    assert [answer.status_code for answer in answers] == [201] * 6
    assert len(listed(keeper)) == 6
