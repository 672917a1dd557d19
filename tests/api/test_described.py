"""What is told of a file, and to whom; and that its place is told to nobody."""

import pytest
import pyvips

from tests.people import Person, expect, refused, sample

CANARY = "exif/canary/canary.webp"
FIELDS = {
    *("exif", "iptc", "xmp", "colorProfile", "orientation", "takenAt", "gps", "title"),
    *("description", "tags", "custom", "filename", "format", "contentType", "width", "height"),
    *("frames", "size", "checksum", "processing"),
}
GPS = "exif-ifd3-GPSLatitude"


def both(image):
    return (f"/v1/images/{image['imageId']}/metadata", f"/images/{image['imageId']}/metadata")


@pytest.fixture(scope="module")
def owner(service):
    return Person(service, "place")


@pytest.fixture(scope="module", params=["public", "unlisted"])
def image(request, owner):
    fields = {"visibility": request.param, "title": "Canary", "custom": {"k": "v"}}
    return owner.developed(owner.upload(sample(CANARY), "canary.webp", **fields))


def has_place(content):
    return bool(pyvips.Image.new_from_buffer(content, "").get_typeof(GPS))


def test_both_addresses_tell_the_same(owner, anyone, image):
    for http in (owner.http, anyone):
        first, second = (expect(http.get(path), 200) for path in both(image))
        assert first == second
        assert set(first) == FIELDS
        assert (first["title"], first["custom"]) == ("Canary", {"k": "v"})
        assert (first["width"], first["height"]) == (image["width"], image["height"])
        assert first["checksum"] == image["checksum"]
        assert first["processing"] is False


def test_what_people_wrote_into_the_file_only_its_owner_reads(owner, anyone, ben, image):
    mine = owner.http.get(both(image)[0])
    assert "CANARY" in mine.text
    for http in (anyone, ben.http):
        assert "CANARY" not in http.get(both(image)[0]).text


def test_the_place_leaves_with_nobodys_copy_but_the_owners(owner, anyone, ben, image):
    whole = owner.http.get(image["url"])
    assert has_place(whole.content)
    assert whole.content == sample(CANARY)
    for http in (anyone, ben.http):
        for url in (image["url"], f"{image['url']}/original.webp", f"{image['url']}/original.auto"):
            copy = http.get(url)
            assert copy.status_code == 200
            assert not has_place(copy.content)
            assert copy.headers["etag"] != whole.headers["etag"]
            assert copy.headers["content-length"] == str(len(copy.content))
            part = http.get(url, headers={"Range": "bytes=10-99"})
            assert part.content == copy.content[10:100]
        assert expect(http.get(both(image)[0]), 200)["gps"] is None


def test_nor_over_links_and_signed_urls(owner, anyone, image):
    path = f"/v1/images/{image['imageId']}"
    link = expect(owner.http.post(f"{path}/share", json={"permissions": ["view", "download"]}), 201)
    signed = expect(owner.http.post(f"{path}/signed-url", json={"download": True}), 200)

    for url in (link["shareUrl"], f"{link['shareUrl']}&download=1", signed["url"]):
        copy = anyone.get(url)
        assert copy.status_code == 200
        assert not has_place(copy.content)


def test_while_nothing_is_developed_the_place_is_cut_out_on_the_spot(owner, anyone):
    for _ in range(3):
        image = owner.upload(sample(CANARY), "fresh.webp", visibility="public")
        copy = anyone.get(image["url"])
        assert copy.status_code == 200
        assert not has_place(copy.content)


def test_a_private_files_description_is_private(owner, anyone, ben):
    image = owner.upload(sample(CANARY), "private.webp")

    for path in both(image):
        expect(owner.http.get(path), 200)
        for http in (anyone, ben.http):
            refused(http.get(path), 403, "forbidden")
