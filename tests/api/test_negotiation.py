"""`auto` becomes what the client asks for, and WebP only for those who say that they read it."""

import io

import pytest
from PIL import Image

from api.negotiation import accepted, quality
from tests.people import EACH_FORMAT, PHOTO, eventually, expect, sample

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
OLD_SAFARI = "image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5"


@pytest.fixture(scope="module")
def refined(ann, public):
    """The same once AVIF is there, too."""

    def there() -> bool:
        found = expect(ann.http.get(f"/v1/images/{public['imageId']}/versions"), 200)["versions"]
        return sum(it["format"] == "avif" for it in found) == 4

    eventually(there)
    return public


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "image/jpeg"),
        ("", "image/jpeg"),
        ("*/*", "image/jpeg"),
        ("image/*", "image/jpeg"),
        (CHROME, "image/avif"),
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
        ("image/avif, image/webp", "image/avif"),
        ("image/avif;q=0.9, image/webp", "image/webp"),
        ("image/avif;q=0.9, image/webp;q=0.8, image/jpeg;q=0.9", "image/avif"),
        ("image/avif;q=0.9, image/webp;q=0.9, image/jpeg", "image/jpeg"),
        ("image/avif;q=0, image/webp", "image/webp"),
        ("image/avif;q=0.5, image/*", "image/jpeg"),
    ],
)
def test_auto(anyone, refined, accept, kind):
    headers = {"Accept": accept} if accept is not None else {}
    for variant in ("thumb", "large"):
        answer = anyone.get(f"{refined['url']}/{variant}.auto", headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert answer.headers["vary"] == "Accept"
        extension = kind.partition("/")[2]
        named = anyone.get(f"{refined['url']}/{variant}.{extension}")
        assert answer.content == named.content
        assert answer.headers["etag"] == named.headers["etag"]
        assert f"{variant}.{extension}" in answer.headers["etag"]


def test_nobody_waits_for_avif(ann, anyone):
    """Until it is there the next best is given; what asks for it by name is made on the spot."""
    image = ann.upload(sample(PHOTO), visibility="public")
    answer = anyone.get(f"{image['url']}/thumb.auto", headers={"Accept": CHROME})
    assert answer.headers["content-type"] in ("image/webp", "image/avif")

    eventually(
        lambda: (
            anyone.get(f"{image['url']}/thumb.auto", headers={"Accept": CHROME}).headers[
                "content-type"
            ]
            == "image/avif"
        )
    )
    assert anyone.get(f"{image['url']}/large.avif").status_code == 200


@pytest.mark.parametrize(
    ("name", "accept", "kind"),
    [
        (EACH_FORMAT["gif"], CHROME, "image/webp"),
        (EACH_FORMAT["gif"], OLD_SAFARI, "image/gif"),
        (EACH_FORMAT["webp"], "image/webp;q=0.5, image/gif", "image/gif"),
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


def test_the_original_is_made_in_whatever_format_is_named(anyone, ann):
    photo = ann.upload(sample(EACH_FORMAT["png"]), visibility="public")
    sides = (photo["width"], photo["height"])

    for extension, kind in {"jpg": "jpeg", "webp": "webp", "avif": "avif", "gif": "gif"}.items():
        answer = anyone.get(f"{photo['url']}/original.{extension}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, f"image/{kind}")
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert (picture.size, picture.format) == (sides, kind.upper())
        again = anyone.get(answer.url, headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304


def test_the_most_exact_range_counts():
    likes = accepted("image/webp;q=0.1, image/*;q=0.5, */*;q=0.9")

    assert quality(likes, "image/webp") == 0.1
    assert quality(likes, "image/jpeg") == 0.5
    assert quality(likes, "text/html") == 0.9
    assert quality(accepted("text/html"), "image/webp") == 0
