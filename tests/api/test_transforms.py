"""Transforms over HTTP: who may ask for what, what is answered, what is kept."""

import io
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from PIL import Image

from adapters.data_folder import DataFolder
from domain.ids import from_text
from settings import load
from tests.people import EACH_FORMAT, Person, eventually, expect, refused, sample

PHOTO = "exif/test-assets__portrait-orientation-6.jpg"


@pytest.fixture(scope="module")
def photo(ann: Person):
    """For all to see; stored on its side."""
    return ann.developed(ann.upload(sample(PHOTO), "portrait.jpg", visibility="public"))


@pytest.fixture(scope="module")
def hidden(ann: Person):
    return ann.developed(ann.upload(sample(PHOTO), "hidden.jpg"))


def rows(service, image, table="made"):
    url = load(DataFolder(service.data).endpoints()).database_url
    with psycopg.connect(url) as connection:
        query = f"select * from transforms.{table} where image_id = %s"
        return connection.execute(query, (from_text("img", image["imageId"]),)).fetchall()


def opened(answer) -> Image.Image:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


@pytest.mark.parametrize("extension", ["jpg", "png", "webp", "avif", "gif"])
def test_a_transform_is_what_it_says(anyone, photo, extension):
    answer = anyone.get(f"{photo['url']}/t/w_128,h_96,fit_cover.{extension}")

    with opened(answer) as picture:
        assert picture.size == (128, 96)
    kind = {"jpg": "jpeg"}.get(extension, extension)
    assert answer.headers["content-type"] == f"image/{kind}"
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["surrogate-key"] == photo["imageId"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"].startswith("public")
    assert "sandbox" in answer.headers["content-security-policy"]


def test_auto_is_what_the_client_reads(anyone, ann, photo):
    url = f"{photo['url']}/t/w_96.auto"
    for accept, kind in (("image/avif,image/webp,*/*", "image/webp"), ("*/*", "image/jpeg")):
        answer = anyone.get(url, headers={"Accept": accept})
        assert (answer.headers["content-type"], answer.headers["vary"]) == (kind, "Accept")
    moving = ann.upload(sample(EACH_FORMAT["gif"]), "a.gif", visibility="public")
    for accept, kind in (("image/webp", "image/webp"), ("*/*", "image/gif")):
        answer = anyone.get(f"{moving['url']}/t/w_32.auto", headers={"Accept": accept})
        assert answer.headers["content-type"] == kind
        with opened(answer) as picture:
            assert picture.n_frames > 1


def test_conditions_ranges_and_head(anyone, photo):
    url = f"{photo['url']}/t/w_320.webp"
    whole = anyone.get(url)
    tag = whole.headers["etag"]

    unchanged = anyone.get(url, headers={"If-None-Match": f'"x", {tag}'})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    head = anyone.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]
    part = anyone.get(url, headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, whole.content[5:10])
    several = anyone.get(url, headers={"Range": "bytes=0-1,5-9"})
    assert several.status_code == 206
    assert several.headers["content-type"].startswith("multipart/byteranges")
    other = anyone.get(f"{photo['url']}/t/w_256.webp")
    assert other.headers["etag"] != tag
    attached = anyone.get(url, params={"download": "1"})
    assert attached.headers["content-disposition"].startswith("attachment")


def test_equal_requests_are_one(anyone, service, photo):
    answers = [
        anyone.get(f"{photo['url']}/t/{ops}.jpg")
        for ops in ("w_384,blur_2", "blur_2.00,w_384", "w_192,dpr_2,blur_2,fit_inside,q_82")
    ]

    assert len({it.headers["etag"] for it in answers}) == 1
    assert len({it.content for it in answers}) == 1
    assert len([row for row in rows(service, photo) if "blur_2" in row[1]]) == 1


def test_what_is_a_rung_is_answered_with_it(anyone, service, photo):
    thumb = anyone.get(f"{photo['url']}/thumb.webp").content
    with Image.open(io.BytesIO(thumb)) as picture:
        width, height = picture.size
    side = f"w_{width}" if width == 256 else f"h_{height}"

    assert anyone.get(f"{photo['url']}/t/{side}.webp").content == thumb
    assert not [row for row in rows(service, photo) if f"/{side}.webp" in row[1]]
    full = anyone.get(f"{photo['url']}/t/w_3840.webp").content
    assert full == anyone.get(f"{photo['url']}/large.webp").content


def test_everything_that_is_wrong_is_told(anyone, photo):
    problem = refused(anyone.get(f"{photo['url']}/t/w_0,zoom_2,q_80.jpg"), 422, "validation")

    assert [it["field"] for it in problem["errors"]] == ["w", "zoom"]
    problem = refused(anyone.get(f"{photo['url']}/t/page_2.jpg"), 422, "validation")
    assert problem["errors"] == [{"field": "page", "message": "must be at most 1"}]
    for name in ("w_64.heic", "w_64.svg", "w_64", "w_64.jpg.exe"):
        refused(anyone.get(f"{photo['url']}/t/{name}"), 404, "not_found")


def test_off_the_steps_only_what_was_signed_for_just_that(ann, anyone, photo):
    path = f"/v1/images/{photo['imageId']}/signed-url"
    problem = refused(anyone.get(f"{photo['url']}/t/w_333.webp"), 403, "signature_required")
    assert problem["sizes"] == [333]
    refused(ann.http.get(f"{photo['url']}/t/w_333.webp"), 403, "signature_required")

    signed = expect(ann.http.post(path, json={"transform": "h_222,w_333,fit_cover.webp"}), 200)

    with opened(anyone.get(signed["url"])) as picture:
        assert picture.size == (333, 222)
    elsewhere = signed["url"].replace("w_333", "w_334")
    refused(anyone.get(elsewhere), 403, "signature_invalid")
    share = expect(ann.http.post(f"/v1/images/{photo['imageId']}/share", json={}), 201)
    query = share["shareUrl"].partition("?")[2]
    refused(anyone.get(f"{photo['url']}/t/w_333.webp?{query}"), 403, "signature_required")


@pytest.mark.parametrize(
    "body",
    [
        {"transform": "w_64"},
        {"transform": "w_64.tiff"},
        {"transform": "w_x.jpg"},
        {"transform": "w_64.jpg", "variant": "thumb"},
    ],
)
def test_what_no_path_delivers_is_not_signed(ann, photo, body):
    answer = ann.http.post(f"/v1/images/{photo['imageId']}/signed-url", json=body)
    refused(answer, 422, "validation")


def test_access_is_that_of_every_byte(ann, ben, anyone, hidden):
    url = f"{hidden['url']}/t/w_128.webp"
    refused(anyone.get(url), 403, "forbidden")
    refused(ben.http.get(url), 403, "forbidden")
    refused(ben.http.get(f"{hidden['url']}/t/nonsense.webp"), 403, "forbidden")
    mine = ann.http.get(url)
    assert (mine.status_code, mine.headers["cache-control"]) == (200, "private, no-cache")
    share = expect(ann.http.post(f"/v1/images/{hidden['imageId']}/share", json={}), 201)
    query = share["shareUrl"].partition("?")[2]
    assert anyone.get(f"{url}?{query}").status_code == 200
    expect_gone = f"/v1/images/{hidden['imageId']}/shares/{share['shareId']}"
    assert ann.http.delete(expect_gone).status_code == 204
    refused(anyone.get(f"{url}?{query}"), 403, "share_revoked")


def test_presets_are_the_owners(ann, ben, anyone, photo):
    path = "/v1/me/presets/tiny"
    saved = expect(ann.http.put(path, json={"ops": "fit_cover,h_20,w_30,q_70"}), 200)
    assert saved == {"name": "tiny", "ops": "w_30,h_20,fit_cover,q_70"}
    assert expect(ann.http.get(path), 200) == saved
    assert expect(ann.http.get("/v1/me/presets"), 200)["presets"] == [saved]
    assert expect(ben.http.get("/v1/me/presets"), 200)["presets"] == []
    refused(ben.http.get(path), 404, "not_found")
    refused(anyone.get(path), 401, "unauthenticated")
    refused(ann.http.put(path, json={"ops": "w_0"}), 422, "validation")

    with opened(anyone.get(f"{photo['url']}/t/p_tiny.webp")) as picture:
        assert picture.size == (30, 20)
    theirs = ben.upload(sample(PHOTO), "other.jpg", visibility="public")
    refused(anyone.get(f"{theirs['url']}/t/p_tiny.webp"), 404, "not_found")

    expect(ann.http.put(path, json={"ops": "w_31,h_21,fit_fill"}), 200)
    with opened(anyone.get(f"{photo['url']}/t/p_tiny.webp")) as picture:
        assert picture.size == (31, 21)
    signed = {"transform": "p_tiny.webp"}
    url = expect(ann.http.post(f"/v1/images/{photo['imageId']}/signed-url", json=signed), 200)
    assert anyone.get(url["url"]).status_code == 200
    assert ann.http.delete(path).status_code == 204
    refused(ann.http.delete(path), 404, "not_found")
    refused(anyone.get(f"{photo['url']}/t/p_tiny.webp"), 404, "not_found")


def test_a_preset_is_in_the_accounts_history(ann):
    expect(ann.http.put("/v1/me/presets/told", json={"ops": "gray"}), 200)
    assert ann.http.delete("/v1/me/presets/told").status_code == 204

    events = expect(ann.http.get("/v1/me/history"), 200)["events"]

    told = [it for it in events if it["type"].startswith("account.preset-")][-2:]
    assert [it["type"] for it in told] == ["account.preset-kept", "account.preset-dropped"]
    assert told[0]["data"]["ops"] == "gray"
    assert told[0]["data"]["changes"]["presets"]["after"]["told"] == "gray"


def test_many_who_ask_at_once_cost_one_decode(service, ann, anyone):
    """Over both processes of the API."""
    image = ann.developed(ann.upload(sample(PHOTO), "asked.jpg", visibility="public"))
    url = f"{image['url']}/t/w_384,sharpen_2.webp"

    with ThreadPoolExecutor(12) as many:
        answers = list(many.map(lambda _: service.client().get(url), range(24)))

    assert {it.status_code for it in answers} == {200}
    assert len({it.content for it in answers}) == 1
    assert [row[-1] for row in rows(service, image, "budgets")] == [1]


def test_what_was_purged_is_gone(ann, service, anyone):
    image = ann.developed(ann.upload(sample(PHOTO), "purged.jpg", visibility="public"))
    url = f"{image['url']}/t/w_96,gray.webp"
    assert anyone.get(url).status_code == 200
    receipt = expect(ann.http.post(f"/v1/images/{image['imageId']}/purge"), 202)["receiptUrl"]

    def complete():
        return expect(anyone.get(receipt), 200)["complete"]

    eventually(complete)
    refused(anyone.get(url), 404, "not_found")
    assert not rows(service, image)
    assert not rows(service, image, "budgets")
