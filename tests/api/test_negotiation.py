"""`auto` becomes what the client asks for, and WebP only for those who say that they read it."""

import io

import pytest
from PIL import Image

from api.negotiation import accepted, quality
from tests.people import EACH_FORMAT, sample

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
OLD_SAFARI = "image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "image/jpeg"),
        ("", "image/jpeg"),
        ("*/*", "image/jpeg"),
        ("image/*", "image/jpeg"),
        (CHROME, "image/webp"),
        (OLD_SAFARI, "image/jpeg"),
        ("image/webp", "image/webp"),
        ("IMAGE/WEBP", "image/webp"),
        ("image/webp;q=0", "image/jpeg"),
        ("image/webp; q=0.000, */*", "image/jpeg"),
        ("image/webp;q=0.001", "image/webp"),
        ("image/webp;q=0.5, image/jpeg", "image/jpeg"),
        ("image/webp;q=0.5, image/*;q=0.8", "image/jpeg"),
        ("image/jpeg;q=0.5, image/webp", "image/webp"),
        ("image/jpeg, image/webp", "image/webp"),
        ("image/webp;q=x", "image/jpeg"),
        ("image/webpx, ximage/webp", "image/jpeg"),
        ("text/html, image/webp;level=1;q=0.9, image/jpeg;q=0.8", "image/webp"),
        (",,;;=,", "image/jpeg"),
    ],
)
def test_auto(anyone, public, accept, kind):
    headers = {"Accept": accept} if accept is not None else {}
    for variant in ("thumb", "large"):
        answer = anyone.get(f"{public['url']}/{variant}.auto", headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert answer.headers["vary"] == "Accept"
        extension = kind.partition("/")[2]
        assert answer.content == anyone.get(f"{public['url']}/{variant}.{extension}").content


@pytest.mark.parametrize(
    ("name", "accept", "kind"),
    [
        (EACH_FORMAT["gif"], CHROME, "image/webp"),
        (EACH_FORMAT["gif"], OLD_SAFARI, "image/gif"),
        (EACH_FORMAT["webp"], "image/webp;q=0.5, image/gif", "image/gif"),
        (EACH_FORMAT["png"], CHROME, "image/webp"),
        (EACH_FORMAT["png"], OLD_SAFARI, "image/png"),
        (EACH_FORMAT["png"], "image/webp;q=0.5, image/png", "image/png"),
    ],
)
def test_what_moves_moves_and_what_is_transparent_is_so(ann, anyone, name, accept, kind):
    image = ann.upload(sample(name), visibility="public")

    for now in (image, ann.developed(image)):
        answer = anyone.get(f"{now['url']}/thumb.auto", headers={"Accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert answer.headers["vary"] == "Accept"
        with Image.open(io.BytesIO(answer.content)) as picture:
            if name == EACH_FORMAT["png"]:
                assert picture.convert("RGBA").getextrema()[3][0] < 255
            else:
                assert picture.n_frames > 1


def test_the_original_is_itself_whatever_is_accepted(anyone, public, dot):
    answer = anyone.get(f"{public['url']}/original.auto", headers={"Accept": "image/webp"})

    assert (answer.content, answer.headers["content-type"]) == (dot, "image/png")


def test_the_most_exact_range_counts():
    likes = accepted("image/webp;q=0.1, image/*;q=0.5, */*;q=0.9")

    assert quality(likes, "image/webp") == 0.1
    assert quality(likes, "image/jpeg") == 0.5
    assert quality(likes, "text/html") == 0.9
    assert quality(accepted("text/html"), "image/webp") == 0
