"""What is made of images counts against the quota of their owner, for as long as it is stored."""

import psycopg
import pytest

from adapters.data_folder import DataFolder
from domain.ids import from_text
from settings import load
from tests.people import PHOTO, Person, eventually, expect, refused, sample


@pytest.fixture
def eve(service):
    return Person(service, "eve")


def refined(person, image):
    """Its figures once AVIF is there, too: after that nothing is made unasked."""
    eventually(lambda: has_avif(person, image))
    return person.usage


def test_what_is_made_counts_part_by_part_until_it_is_purged(eve):
    photo = sample(PHOTO)
    image = eve.developed(eve.upload(photo, visibility="public"))
    made = refined(eve, image)
    derivatives = made["derivativesBytes"]
    assert (made["originalsBytes"], made["storageBytes"]) == (len(photo), len(photo))
    assert made["usedBytes"] == len(photo) + derivatives
    sizes = [
        len(eve.http.get(f"/images/{image['imageId']}/{rung}.{extension}").content)
        for rung in ("thumb", "small", "medium", "large")
        for extension in ("webp", "jpg", "avif")
    ]
    scrubbed = derivatives - sum(sizes)
    anyones = len(eve.service.client().get(image["url"]).content)
    assert scrubbed in (0, anyones), "what others get, where the original tells where it was taken"

    on_the_spot = len(eve.http.get(f"/images/{image['imageId']}/thumb.png").content)
    transform = len(eve.http.get(f"/images/{image['imageId']}/t/w_64.webp").content)
    more = on_the_spot + transform
    eventually(lambda: eve.usage["derivativesBytes"] == derivatives + more)
    for again in ("thumb.png", "t/w_64.webp"):
        assert eve.http.get(f"/images/{image['imageId']}/{again}").status_code == 200
    assert eve.usage["derivativesBytes"] == derivatives + more

    expect(eve.http.post(f"/v1/images/{image['imageId']}/purge"), 202)
    eventually(lambda: eve.usage["usedBytes"] == 0)


def waiting(person):
    """How many of their images have something made of them once there is room."""
    url = load(DataFolder(person.service.data).endpoints()).database_url
    query = "select count(*) from derivatives.waiting where owner_id = %s"
    with psycopg.connect(url) as connection:
        (count,) = connection.execute(query, (from_text("u", person.id),)).fetchone()
    return count


def has_avif(person, image):
    path = f"/images/{image['imageId']}/small.auto"
    answer = person.http.get(path, headers={"Accept": "image/avif"})
    return answer.headers["content-type"] == "image/avif"


def test_what_found_no_room_is_made_once_there_is_some(eve, admin):
    def allowed(quota):
        change = {"quotaBytes": quota, "reason": "a room"}
        expect(admin.http.patch(f"/v1/admin/users/{eve.id}", json=change), 200)

    photo = sample(PHOTO)
    allowed(4 * len(photo))
    images = []
    for ticket in [eve.initiate(photo) for _ in range(4)]:  # the room is theirs before it is asked
        assert eve.put(ticket, photo).status_code == 200
        images.append(eve.developed(expect(eve.finalize(ticket), 201)))
    first, *others = images
    eventually(lambda: waiting(eve) == 4)
    assert not has_avif(eve, first)

    for other in others:
        expect(eve.http.post(f"/v1/images/{other['imageId']}/purge"), 202)

    eventually(lambda: has_avif(eve, first))
    eventually(lambda: waiting(eve) == 0)
    allowed(eve.usage["usedBytes"] + len(photo))
    late = eve.upload(photo, "late.jpg")
    eventually(lambda: waiting(eve) == 1)
    assert not has_avif(eve, late)
    allowed(20 * len(photo))
    eventually(lambda: has_avif(eve, late))
    assert waiting(eve) == 0


def test_it_leaves_less_room(eve, admin):
    photo = sample(PHOTO)
    image = eve.developed(eve.upload(photo, visibility="public"))
    used = refined(eve, image)["usedBytes"]
    change = {"quotaBytes": used + 100, "reason": "a small room"}
    expect(admin.http.patch(f"/v1/admin/users/{eve.id}", json=change), 200)
    promise = {"filename": "a.png", "contentType": "image/png"}

    no = refused(eve.http.post("/v1/uploads", json=promise | {"size": 101}), 413, "quota_exceeded")

    assert (no["limitBytes"], no["usedBytes"]) == (used + 100, used)
    expect(eve.http.post("/v1/uploads", json=promise | {"size": 100}), 201)
    overview = expect(admin.http.get("/v1/admin/quotas", params={"limit": 100}), 200)
    (mine,) = [it for it in overview["fullest"] if it.get("userId") == eve.id]
    assert mine["usedBytes"] == used + 100
    assert mine["derivativesBytes"] == used - len(photo)
