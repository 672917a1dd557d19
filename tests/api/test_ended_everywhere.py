"""What ends, ends with the very next request: on every route, in every process, before any read
model knows. Each question is asked on connections of its own, so that no process is left out, and
was answered by all of them right before."""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from tests.api.test_albums import at, new_album, put
from tests.api.test_revoked_at_once import standing_still
from tests.api.test_share_links import query, routes, shared
from tests.people import Person, expect
from tests.service import TRUST

TIMES = 4
"""Connections for each question; two processes share them."""
WORD = {"password": "open sesame"}
HTML = {"Accept": "text/html"}


class Ending(msgspec.Struct, kw_only=True):
    """Something that ends, and what is to be asked of whom, with the status that follows."""

    end: Sequence[str]
    """Method and path, by the owner."""
    body: Mapping[str, object] | None = None
    by: httpx.Client
    asked: Mapping[str, int]
    asker: Person | None = None
    """Nobody in particular, where there is none."""


def asks(service, it, path):
    token = it.asker.tokens["accessToken"] if it.asker else None
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(base_url=service.url, headers=headers, timeout=60, verify=TRUST) as http:
        return http.get(path).status_code


def public_routes(service, image, status):
    """Every way to see it without credentials, with what they say once that is over."""
    id = image["imageId"]
    page = f"{service.url}/p/{id}"
    return {
        **dict.fromkeys([*routes(image), f"/v1/images/{id}/embed", f"/p/{id}"], status),
        f"/oembed?url={page}": 401 if status == 403 else status,
    }


def unlocked(http, link):
    """The page, and all that it and the lock have given out."""
    path = urlsplit(link["pageUrl"]).path
    opened = expect(http.post(f"{path}/unlock", json=WORD), 200)
    http.post(f"{path}/unlock", data=WORD, headers=HTML)
    page = http.get(path, headers=HTML)
    assert page.status_code == 200
    given = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    return [unescape(it) for it in given], opened["shareUrl"]


@pytest.fixture(scope="module")
def endings(service, ann, ben, dot):
    visitor = service.client()
    hidden, deleted, moved = (ann.upload(dot, visibility="public") for _ in range(3))
    lent, revoked, by_name = (ann.upload(dot) for _ in range(3))
    link = shared(ann, revoked, permissions=["view", "download"], **WORD)
    urls, opened = unlocked(visitor, link)
    open_link = shared(ann, revoked)
    of_deleted = shared(ann, deleted)
    album = new_album(ann)
    put(ann, album, lent)
    album_link = expect(ann.http.post(f"{at(album)}/share", json=WORD), 201)
    pages, album_url = unlocked(visitor, album_link)
    expect(
        ann.http.put(
            f"/v1/images/{by_name['imageId']}/collaborators/{ben.id}",
            json={"permissions": ["view", "download"]},
        ),
        200,
    )
    signed = expect(ann.http.post(f"/v1/images/{moved['imageId']}/signed-url", json={}), 200)["url"]
    shares = f"/v1/images/{revoked['imageId']}/shares"
    return {
        "made private": Ending(
            end=("PATCH", f"/v1/images/{hidden['imageId']}"),
            body={"visibility": "private"},
            by=ann.http,
            asked=public_routes(service, hidden, 403),
        ),
        "deleted": Ending(
            end=("DELETE", f"/v1/images/{deleted['imageId']}"),
            by=ann.http,
            asked=public_routes(service, deleted, 404)
            | {urlsplit(of_deleted["pageUrl"]).path: 404, of_deleted["shareUrl"]: 404},
        ),
        "signed, then made private": Ending(
            end=("PATCH", f"/v1/images/{moved['imageId']}"),
            body={"visibility": "private"},
            by=ann.http,
            asked={signed: 403},
        ),
        "a link with a password": Ending(
            end=("DELETE", f"{shares}/{link['shareId']}"),
            by=ann.http,
            asked=dict.fromkeys([*urls, opened], 403)
            | {f"{it}?{query({'shareUrl': opened})}": 403 for it in routes(revoked)},
        ),
        "a link without": Ending(
            end=("DELETE", f"{shares}/{open_link['shareId']}"),
            by=ann.http,
            asked={urlsplit(open_link["pageUrl"]).path: 403, open_link["shareUrl"]: 403}
            | {f"{it}?{query(open_link)}": 403 for it in routes(revoked)},
        ),
        "taken out of an album": Ending(
            end=("DELETE", f"{at(album)}/images/{lent['imageId']}"),
            by=ann.http,
            asked=dict.fromkeys(pages, 404)
            | {f"{it}?{query({'shareUrl': album_url})}": 404 for it in routes(lent)},
        ),
        "a collaborator": Ending(
            end=("DELETE", f"/v1/images/{by_name['imageId']}/collaborators/{ben.id}"),
            by=ann.http,
            asker=ben,
            asked=dict.fromkeys([*routes(by_name), f"{by_name['url']}?download=1"], 403),
        ),
    }


def test_the_very_next_request_is_refused_in_every_process(service, endings):
    questions = [(it, path) for it in endings.values() for path in it.asked for _ in range(TIMES)]

    def statuses():
        return list(pool.map(lambda asked: asks(service, *asked), questions))

    with ThreadPoolExecutor(4) as pool:
        before = statuses()
        with standing_still(service, "gallery", "albums"):
            ended = list(
                pool.map(
                    lambda it: it.by.request(*it.end, json=it.body).status_code, endings.values()
                )
            )
            after = statuses()

    refused = [path for (_, path), status in zip(questions, before, strict=True) if status != 200]
    assert not refused
    assert {*ended} <= {200, 204}
    wrong = [
        f"{it.end}: {path} was {status}"
        for (it, path), status in zip(questions, after, strict=True)
        if status != it.asked[path]
    ]
    assert not wrong, "\n".join(wrong)
