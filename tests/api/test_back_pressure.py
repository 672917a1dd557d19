"""More than can be made at once is refused at once, and everything is had by who comes again."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import pyvips

from tests.people import Person, refused
from tests.service import Service

RENDERINGS = [f"{rung}.{it}" for rung in ("small", "medium", "large") for it in ("png", "gif")]


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """One process that serves, one that decodes, one file that waits for it."""
    running = Service(
        tmp_path_factory.mktemp("narrow") / "data",
        DARKROOM_API_WORKERS="1",
        DARKROOM_LAB_WORKERS="1",
        DARKROOM_LAB_QUEUE="1",
    )
    running.start()
    yield running
    running.stop()


def picture(seed: int) -> bytes:
    noise = [pyvips.Image.gaussnoise(1600, 1200, seed=seed + band) for band in range(3)]
    image = noise[0].bandjoin(noise[1:]).cast("uchar").copy(interpretation="srgb")
    return bytes(image.jpegsave_buffer(Q=60))


def test_a_burst_is_refused_in_part_and_then_served(narrow):
    person = Person(narrow)
    images = [person.developed(person.upload(picture(seed)), within=120) for seed in (1, 4, 7)]
    at_hand = images[0]["variants"]["thumb"]
    assert person.http.get(at_hand).status_code == 200
    urls = [f"{it['url']}/{name}" for it, name in itertools.product(images, RENDERINGS)]

    with ThreadPoolExecutor(len(urls)) as burst:
        answers = [burst.submit(person.http.get, url) for url in urls]
        while not any(it.done() for it in answers):
            assert person.http.get(at_hand).status_code == 200, "what is at hand waits for nobody"
        first = [it.result() for it in answers]

    turned_away = [it for it in first if it.status_code != 200]
    assert len(turned_away) < len(urls)
    assert len(turned_away) > len(urls) // 2
    for answer in turned_away:
        assert refused(answer, 503, "unavailable")["dependency"] == "lab"
        assert int(answer.headers["retry-after"]) >= 1
    left, deadline = urls, time.monotonic() + 120
    while left:
        assert time.monotonic() < deadline
        left = [url for url in left if person.http.get(url).status_code != 200]
