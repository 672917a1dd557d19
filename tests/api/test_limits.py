"""A service with little room: every limit is refused with its figures, and costs nothing."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.people import Person, eventually, expect, put, refused
from tests.service import Service

QUOTA, FILE, TOKEN_SECONDS = 1_000, 700, 60

pytestmark = pytest.mark.xdist_group("limits")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    running = Service(
        tmp_path_factory.mktemp("small") / "data",
        DARKROOM_QUOTA_BYTES=str(QUOTA),
        DARKROOM_MAX_FILE_BYTES=str(FILE),
        DARKROOM_UPLOAD_EXPIRY="2",
        DARKROOM_RETENTION_DAYS="0",
        DARKROOM_ACCESS_TOKEN_SECONDS=str(TOKEN_SECONDS),
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture
def dan(small):
    return Person(small, "dan")


def usage(person):
    found = person.usage
    assert found["quotaBytes"] == QUOTA
    assert found["usedBytes"] <= QUOTA, "with what is made of images, too"
    return found["storageBytes"], found["reservedBytes"]


def promise(person, size, **more):
    asked = {"filename": "a.png", "size": size, "contentType": "image/png"} | more
    return person.http.post("/v1/uploads", json=asked)


def test_a_promise_beyond_the_quota_is_refused_with_the_figures(dan):
    first = expect(promise(dan, 600), 201)

    problem = refused(promise(dan, 401), 413, "quota_exceeded")

    figures = (problem["limitBytes"], problem["usedBytes"], problem["requestedBytes"])
    assert figures == (QUOTA, 600, 401)
    expect(promise(dan, 400), 201)
    refused(promise(dan, 1), 413, "quota_exceeded")
    assert usage(dan) == (0, QUOTA)
    assert dan.http.delete(f"/v1/uploads/{first['uploadId']}").status_code == 204
    expect(promise(dan, 600), 201)


def test_a_form_beyond_the_quota_too(dan, dot):
    expect(promise(dan, 500), 201)
    expect(promise(dan, QUOTA - 500 - len(dot)), 201)

    image = expect(dan.http.post("/v1/images", files={"file": ("a.png", dot)}), 201)

    answer = dan.http.post("/v1/images", files={"file": ("b.png", dot)})
    problem = refused(answer, 413, "quota_exceeded")
    assert (problem["usedBytes"], problem["requestedBytes"]) == (QUOTA, len(dot))
    assert usage(dan)[0] == len(dot)
    expect(dan.http.get(f"/v1/images/{image['imageId']}"), 200)


def test_a_batch_takes_what_fits_in_order(dan):
    asked = [
        {"filename": f"{size}.png", "size": size, "contentType": "image/png"}
        for size in (600, 500, 400, 1)
    ]

    answer = dan.http.post("/v1/uploads/batch", json={"uploads": asked})

    results = expect(answer, 200)["results"]
    assert [result["status"] for result in results] == [201, 413, 201, 413]
    assert results[1]["error"]["usedBytes"] == 600
    assert results[3]["error"]["code"] == "quota_exceeded"


def test_of_20_at_once_10_fit_in_50_rounds_and_nothing_stays_reserved(dan):
    with ThreadPoolExecutor(20) as pool:
        for _ in range(50):
            answers = list(pool.map(lambda _: promise(dan, 100), range(20)))
            assert sorted(answer.status_code for answer in answers) == [201] * 10 + [413] * 10
            assert usage(dan) == (0, QUOTA)
            made = [it.json()["uploadId"] for it in answers if it.status_code == 201]
            ended = pool.map(lambda id: dan.http.delete(f"/v1/uploads/{id}").status_code, made)
            assert [*ended] == [204] * 10
            assert usage(dan) == (0, 0)


def test_of_20_images_at_once_not_a_byte_is_over_with_what_is_made_of_them(dan, dot):
    """What is made takes room, too: as many come as fit, and each is seen in every size."""
    with ThreadPoolExecutor(20) as pool:
        for _ in range(3):
            files = [{"file": (f"{number}.png", dot)} for number in range(20)]
            answers = list(pool.map(lambda it: dan.http.post("/v1/images", files=it), files))
            usage(dan)
            images = [it.json()["imageId"] for it in answers if it.status_code == 201]
            assert {it.status_code for it in answers} == {201, 413}
            assert 1 <= len(images) <= QUOTA // len(dot)
            for image in images:
                dan.developed({"imageId": image}, within=60)
                usage(dan)
                for rung in ("thumb.webp", "large.png", "t/w_640.jpg"):
                    assert dan.http.get(f"/images/{image}/{rung}").status_code == 200
            assert usage(dan) == (len(images) * len(dot), 0)
            ended = pool.map(lambda id: dan.http.post(f"/v1/images/{id}/purge").status_code, images)
            assert [*ended] == [202] * len(images)
            eventually(lambda: dan.usage["usedBytes"] == 0)


def test_a_files_cap_comes_before_the_quota(dan, dot):
    problem = refused(promise(dan, FILE + 1), 413, "file_too_large")
    assert (problem["limitBytes"], problem["requestedBytes"]) == (FILE, FILE + 1)

    answer = dan.http.post("/v1/images", files={"file": ("a.png", dot + bytes(FILE))})
    problem = refused(answer, 413, "file_too_large")
    assert (problem["limitBytes"], problem["requestedBytes"]) == (FILE, FILE + len(dot))
    assert usage(dan) == (0, 0)


def test_a_refused_file_costs_nothing(dan):
    content = b"no picture" * 10
    answer = dan.http.post("/v1/images", files={"file": ("a.png", content)})
    refused(answer, 415, "unsupported_format")

    assert usage(dan) == (0, 0)
    for _ in range(12):  # more than would fit, were it kept
        answer = dan.http.post("/v1/images", files={"file": ("a.png", content)})
        refused(answer, 415, "unsupported_format")


def test_one_persons_quota_is_no_others(small, dan):
    expect(promise(dan, 700), 201)

    expect(promise(Person(small, "eve"), 700), 201)


def test_a_presigned_url_expires(dan, dot):
    ticket = expect(promise(dan, len(dot)), 201)
    assert ticket["expiresIn"] == 2

    time.sleep(3.1)

    assert put(ticket["presignedUrl"], dot, ticket["headers"]).status_code == 403
    refused(dan.finalize(ticket), 409, "upload_incomplete")


def test_what_is_over_retention_is_not_restored(dan, dot):
    image = dan.upload(dot)
    path = f"/v1/images/{image['imageId']}"
    gone = expect(dan.http.delete(path), 200)

    problem = refused(dan.http.post(f"{path}/restore"), 409, "restore_window_closed")

    assert problem["purgeAfter"][:19] == gone["purgeAt"][:19]


def test_a_token_says_how_long_it_lives(dan):
    assert dan.tokens["expiresIn"] == TOKEN_SECONDS
