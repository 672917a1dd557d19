"""What is stored of an image can be listed by whoever may see it, and had by its URL."""

import io
from urllib.parse import urlsplit

import pytest
from PIL import Image

from tests.people import EACH_FORMAT, PHOTO, expect, refused, sample


def listed(http, image):
    return expect(http.get(f"/v1/images/{image['imageId']}/versions"), 200)["versions"]


@pytest.mark.parametrize("name", [*EACH_FORMAT.values(), "valid/libvips__rgba.png"])
def test_every_version_is_as_it_is_listed(ann, anyone, name):
    image = ann.developed(ann.upload(sample(name), visibility="public"))

    for version in listed(anyone, image):
        answer = anyone.get(version["url"])
        assert answer.status_code == 200
        assert len(answer.content) == version["bytes"]
        assert answer.headers["content-type"] == f"image/{version['format']}"
        if version["format"] != "heic":
            with Image.open(io.BytesIO(answer.content)) as picture:
                upright = sorted(picture.size)
            assert upright == sorted([version["width"], version["height"]])


def test_what_is_made_ahead_is_listed_with_the_original(ann):
    image = ann.developed(ann.upload(sample(PHOTO)))

    found = listed(ann.http, image)

    original, *made = found
    assert original["type"] == "original"
    assert original["bytes"] == image["size"]
    assert (original["format"], original["recipe"]) == ("jpeg", None)
    kinds = {(it["type"], it["format"]) for it in made}
    rungs = ("thumb", "small", "medium", "large")
    assert {(rung, format) for rung in rungs for format in ("webp", "jpeg")} <= kinds
    assert len({it["recipe"] for it in made}) == 1
    assert all(it["recipe"] for it in made)


def test_what_was_made_on_the_spot_is_listed_from_then_on(ann):
    image = ann.developed(ann.upload(sample(PHOTO)))
    assert ("thumb", "gif") not in {(it["type"], it["format"]) for it in listed(ann.http, image)}

    made = ann.http.get(f"{image['url']}/thumb.gif").content

    (gif,) = [it for it in listed(ann.http, image) if it["format"] == "gif"]
    assert (gif["type"], gif["bytes"]) == ("thumb", len(made))
    assert urlsplit(gif["url"]).path.endswith("/thumb.gif")


def test_only_who_may_see_it_sees_them(ann, ben, anyone, private, public):
    url = f"/v1/images/{private['imageId']}/versions"

    refused(anyone.get(url), 403, "forbidden")
    refused(ben.http.get(url), 403, "forbidden")
    assert listed(ann.http, private)
    assert listed(anyone, public)
