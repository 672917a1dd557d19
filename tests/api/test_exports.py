"""Taking away: an account or an album as a ZIP, with what one may have and nothing else."""

import io
import json
import zipfile

import pytest

from tests.api.test_albums import new_album
from tests.people import PHOTO, Person, eventually, expect, refused, sample


def opened(answer):
    assert answer.status_code == 200, answer.text[:500]
    assert answer.headers["Content-Type"] == "application/zip"
    assert len(answer.content) == int(answer.headers["Content-Length"])
    file = zipfile.ZipFile(io.BytesIO(answer.content))
    assert file.testzip() is None
    return file


@pytest.fixture(scope="module")
def photo():
    return sample(PHOTO)


@pytest.fixture(scope="module")
def owner(service, dot, photo):
    person = Person(service, "mover")
    album = new_album(person, "Summer", visibility="public")["albumId"]
    for n, (body, fields) in enumerate(
        [
            (dot, {"title": "The lake", "visibility": "public", "albumId": album}),
            (photo, {"visibility": "public", "albumId": album}),
            (dot, {"visibility": "private", "albumId": album, "tags": ["secret"]}),
        ]
    ):
        person.developed(person.upload(body, ("lake.png", "place.jpg", "LAKE.png")[n], **fields))
    gone = person.developed(person.upload(dot, "../gone.png"))
    expect(person.http.delete(f"/v1/images/{gone['imageId']}"), 200)
    person.album = album
    return person


def test_an_account_takes_everything_with_it(owner, dot, photo):
    file = opened(owner.http.get("/v1/me/export"))

    names = set(file.namelist())
    originals = {"images/lake.png", "images/LAKE (2).png", "images/place.jpg", "trash/gone.png"}
    documents = {"account.json", "history.json", "albums.json"} | {f"{it}.json" for it in originals}
    assert names == originals | documents
    assert file.read("images/lake.png") == file.read("trash/gone.png") == dot
    assert file.read("images/place.jpg") == photo
    lake = json.loads(file.read("images/lake.png.json"))
    assert (lake["title"], lake["filename"]) == ("The lake", "lake.png")
    assert [it["type"] for it in lake["history"]][:2] == [
        "image.upload-initiated",
        "image.finalized",
    ]
    assert "orientation" in json.loads(file.read("images/place.jpg.json"))["metadata"]
    assert json.loads(file.read("account.json"))["email"] == owner.email
    assert json.loads(file.read("history.json"))["events"][0]["type"] == "account.registered"
    (album,) = json.loads(file.read("albums.json"))["albums"]
    assert (album["title"], len(album["imageIds"])) == ("Summer", 3)


def test_it_is_one_persons(owner, ben, anyone):
    assert {it.partition("/")[0] for it in opened(ben.http.get("/v1/me/export")).namelist()} <= {
        *("account.json", "history.json", "albums.json", "images", "trash"),
    }
    refused(anyone.get("/v1/me/export"), 401, "unauthenticated")


def test_it_goes_on_where_it_broke_off(owner):
    whole = owner.http.get("/v1/me/export")
    etag, size = whole.headers["ETag"], len(whole.content)
    head = owner.http.head("/v1/me/export")
    assert (head.headers["ETag"], head.headers["Content-Length"]) == (etag, str(size))

    for start in (0, 1, 100, size // 2, size - 30):
        asked = {"Range": f"bytes={start}-", "If-Range": etag}
        rest = owner.http.get("/v1/me/export", headers=asked)
        assert rest.status_code == 206
        assert rest.headers["Content-Range"] == f"bytes {start}-{size - 1}/{size}"
        assert rest.content == whole.content[start:]
    asked = {"Range": "bytes=100-", "If-Range": '"another"'}
    assert owner.http.get("/v1/me/export", headers=asked).status_code == 200
    for known, status in ((f'"another", {etag}', 200), ("*", 200), (f'"another", W/{etag}', 412)):
        answer = owner.http.head("/v1/me/export", headers={"If-Match": known})
        assert answer.status_code == status, known
    beyond = owner.http.get("/v1/me/export", headers={"Range": f"bytes={size}-"})
    assert refused(beyond, 416, "range_not_satisfiable")["sizeBytes"] == size


def test_an_album_holds_what_each_may_download(owner, anyone, dot, photo):
    path = f"/v1/albums/{owner.album}/zip"
    own = opened(owner.http.get(path))
    assert own.namelist() == ["lake.png", "place.jpg", "LAKE (2).png"]
    assert own.read("place.jpg") == photo

    answer = anyone.get(path)
    assert 'filename="Summer.zip"' in answer.headers["Content-Disposition"]
    others = opened(answer)
    assert others.namelist() == ["lake.png", "place.jpg"]
    assert others.read("lake.png") == dot


def test_others_get_no_whereabouts(service, anyone):
    owner = Person(service, "located")
    body = sample("exif/test-assets__datetimeoriginal-gps.jpg")
    album = new_album(owner, 'Places "here"', visibility="public")["albumId"]
    image = owner.developed(owner.upload(body, "p.jpg", visibility="public", albumId=album))
    path = f"/v1/albums/{album}/zip"

    (name,) = opened(anyone.get(path)).namelist()
    clean = opened(anyone.get(path)).read(name)
    assert clean == anyone.get(f"/images/{image['imageId']}").content != body
    assert opened(owner.http.get(path)).read(name) == body
    whole = anyone.get(path)
    asked = {"Range": f"bytes=500-{len(whole.content) - 1}"}
    assert anyone.get(path, headers=asked).content == whole.content[500:]

    expect(owner.http.patch("/v1/me", json={"keepGps": True}), 200)
    assert opened(anyone.get(path)).read(name) == body


def test_a_hidden_album_is_not_there(owner, ben, anyone, dot):
    hidden = new_album(owner, "Hidden", visibility="private")["albumId"]
    for http in (ben.http, anyone):
        answer = http.get(f"/v1/albums/{hidden}/zip")
        assert answer.status_code in (403, 404), answer.text
    assert opened(owner.http.get(f"/v1/albums/{hidden}/zip")).namelist() == []


def test_a_share_link_of_an_album_lends_downloads_only_where_it_says_so(owner, anyone, dot):
    for permissions, names in ((["view"], []), (["view", "download"], ["a.png"])):
        album = new_album(owner, "Lent", visibility="private")["albumId"]
        image = owner.developed(owner.upload(dot, "a.png"))["imageId"]
        assert owner.http.put(f"/v1/albums/{album}/images/{image}").status_code == 204
        body = {"permissions": permissions}
        url = expect(owner.http.post(f"/v1/albums/{album}/share", json=body), 201)["shareUrl"]
        query = url.partition("?")[2]
        assert opened(anyone.get(f"/v1/albums/{album}/zip?{query}")).namelist() == names


def test_what_an_archive_holds_counts_as_downloaded(owner, anyone, photo):
    images = expect(owner.http.get("/v1/images", params={"user": owner.id}), 200)["images"]
    image = next(it["imageId"] for it in images if it["filename"] == "place.jpg")
    path = f"/v1/images/{image}/stats"
    eventually(lambda: owner.http.get(path).json()["downloads"] >= 0, within=2)
    before = expect(owner.http.get(path), 200)

    opened(anyone.get(f"/v1/albums/{owner.album}/zip"))

    def counted():
        after = expect(owner.http.get(path), 200)
        return after["originals"] == before["originals"] + 1 and after["downloads"] >= 1

    eventually(counted, within=10)
