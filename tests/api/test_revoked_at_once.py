"""What was hidden stays hidden from the very next request on, however late the read models are."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from adapters.data_folder import DataFolder
from adapters.read_model import generation_lock
from settings import load
from tests.api.test_share_links import routes
from tests.people import expect, refused


@contextmanager
def standing_still(service, *projections: str) -> Iterator[None]:
    """Read models that cannot move: their generations are held, as for a swap that never ends."""
    url = load(DataFolder(service.data).endpoints()).database_url
    with psycopg.connect(url, autocommit=True) as connection:
        for name in projections:
            lock = (generation_lock(name),)
            connection.execute("select pg_advisory_lock(hashtext(%s))", lock)
        yield


@pytest.fixture(scope="module")
def shown(ann, dot):
    """An image for each way to hide one."""
    visibility = {
        "private": "public",
        "deleted": "public",
        "purged": "public",
        "revoked": "private",
        "taken back": "private",
        "signed": "public",
    }
    return {
        way: ann.upload(dot, title=f"Seidenschwanz {way}", visibility=before)
        for way, before in visibility.items()
    }


def test_the_very_next_request_is_refused(service, ann, ben, anyone, shown):
    at = {way: f"/v1/images/{image['imageId']}" for way, image in shown.items()}
    link = expect(ann.http.post(f"{at['revoked']}/share", json={"permissions": ["view"]}), 201)
    lent = expect(
        ann.http.post(
            f"{at['taken back']}/share", json={"permissions": ["view"], "sharedWith": ben.id}
        ),
        201,
    )
    signed = expect(ann.http.post(f"{at['signed']}/signed-url", json={}), 200)["url"]
    assert anyone.get(link["shareUrl"]).status_code == 200
    assert ben.http.get(at["taken back"]).status_code == 200
    assert anyone.get(signed).status_code == 200
    hiding = {
        "private": lambda: ann.http.patch(at["private"], json={"visibility": "private"}),
        "deleted": lambda: ann.http.delete(at["deleted"]),
        "purged": lambda: ann.http.post(f"{at['purged']}/purge"),
        "revoked": lambda: ann.http.delete(f"{at['revoked']}/shares/{link['shareId']}"),
        "taken back": lambda: ann.http.delete(f"{at['taken back']}/shares/{lent['shareId']}"),
        "signed": lambda: ann.http.patch(at["signed"], json={"visibility": "private"}),
    }

    with standing_still(service, "gallery"), ThreadPoolExecutor(len(hiding)) as pool:
        answers = [pool.submit(hide) for hide in hiding.values()]
        assert {answer.result().status_code for answer in answers} <= {200, 202, 204}

        for route in routes(shown["private"]):
            refused(anyone.get(route), 403, "forbidden")
            refused(ben.http.get(route), 403, "forbidden")
            assert ann.http.get(route).status_code == 200
        for way in ("deleted", "purged"):
            for route in routes(shown[way]):
                for person in (anyone, ben.http, ann.http):
                    refused(person.get(route), 404, "not_found")
        refused(anyone.get(link["shareUrl"]), 403, "share_revoked")
        for route in routes(shown["taken back"]):
            refused(ben.http.get(route), 403, "forbidden")
        refused(anyone.get(signed), 403, "share_revoked")
        hidden = {image["imageId"] for image in shown.values()}
        for listing in (f"/v1/images?user={ann.id}&limit=100", "/v1/search?q=Seidenschwanz"):
            for person in (anyone, ben.http):
                listed = expect(person.get(listing), 200)["images"]
                assert not hidden & {image["imageId"] for image in listed}


def test_what_is_signed_while_it_is_private_opens_it_until_it_is_private_again(ann, anyone, dot):
    image = ann.upload(dot)
    at = f"/v1/images/{image['imageId']}"
    url = expect(ann.http.post(f"{at}/signed-url", json={}), 200)["url"]
    assert anyone.get(url).status_code == 200

    expect(ann.http.patch(at, json={"visibility": "public"}), 200)
    assert anyone.get(url).status_code == 200
    expect(ann.http.patch(at, json={"visibility": "private"}), 200)

    refused(anyone.get(url), 403, "share_revoked")
    again = expect(ann.http.post(f"{at}/signed-url", json={}), 200)["url"]
    assert anyone.get(again).status_code == 200


def test_what_is_uploaded_is_there_before_the_read_model_knows(service, ann, anyone, dot):
    with standing_still(service, "gallery"):
        image = ann.upload(dot, visibility="public")

        assert anyone.get(image["url"]).content == dot
        assert anyone.get(f"{image['url']}/thumb.webp").status_code == 200
