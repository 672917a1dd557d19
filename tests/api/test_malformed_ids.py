"""A malformed id is a 404 wherever an id can stand, never an accident."""

import re
from urllib.parse import quote

import httpx
import pytest

from tests.people import expect, refused

ZEROS = "0" * 26
MALFORMED = [
    "x",
    "img_",
    f"img_{ZEROS[1:]}",
    f"img_{ZEROS}0",
    f"img_{ZEROS[1:]}w",
    f"img_{ZEROS[1:]}1",  # bits behind the 128th
    f"IMG_{ZEROS}",
    f"img_{ZEROS[1:]}V",
    f"img_{ZEROS[1:]}٣",
    f"img-{ZEROS}",
    f"xyz_{ZEROS}",
    ZEROS,
    "00000000-0000-0000-0000-000000000000",
    "null",
    "%",
    "'--",
    "\0",
    "💥",
    "a" * 2_000,
]
TUS = {
    "Tus-Resumable": "1.0.0",
    "Upload-Offset": "0",
    "Content-Type": "application/offset+octet-stream",
}
CHOSEN = {"/v1/me/presets/{name}"}
"""Whose names are chosen by people: no ids."""
METHODS = ("get", "head", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def routes(anyone: httpx.Client) -> list[tuple[str, str]]:
    """Every method and path that takes an id."""
    paths = expect(anyone.get("/schema/openapi.json"), 200)["paths"]
    found = [
        (method.upper(), path)
        for path, item in paths.items()
        for method in METHODS
        if "{" in path and method in item and path not in CHOSEN
    ]
    assert len(found) > 15
    return found


BODIES = {
    r"/orgs(/[^/]*(/teams)?)?$|/teams/[^/]*$": b'{"name": "x"}',
    r"/members/": b'{"role": "viewer"}',
    r"/invitations$": b'{"email": "x@example.org"}',
    r"/transfer$": b'{"userId": "u_00000000000000000000000000"}',
    r"/resolve$": b'{"action": "dismiss", "reason": "why"}',
    r"/admin/": b'{"reason": "why"}',
    r"/counter-notice$": b'{"statement": "mine"}',
    r"/collaborators/": b'{"permissions": ["view"]}',
    r"/albums/[^/]*/images$": b'{"imageIds": ["img_x"]}',
    r"/order$": b'{"imageIds": []}',
    r"/redeliver$": b'{"from": 1}',
    r"/restore-to$": b'{"at": 1}',
}
"""What is valid where an empty object is not."""
NAMED = {
    "invitation": "inv_",
    "image": "img_",
    "share": "shr_",
    "user": "u_",
    "variant": "thumb.webp",
    "ops": "w_640.webp",
    "provider": "nobody",
    "name": "nothing",
    "position": "0",
}
"""What stands for the parts of a path that are not called `id`."""
OTHERS = {"orgs": "org_", "teams": "team_", "invitations": "inv_", "webhooks": "whk_"}
"""What `id` is of, where it is no image."""


def _asked(http, method, path):
    body = next((body for part, body in BODIES.items() if re.search(part, path)), b"{}")
    if method in ("GET", "HEAD") or (method == "DELETE" and body == b"{}"):
        body = None
    headers = TUS if path.startswith("/v1/tus/") else {}
    return http.request(method, path, content=body, headers=headers)


@pytest.mark.parametrize("id", MALFORMED, ids=lambda id: ascii(id)[:20])
def test_on_every_route_that_takes_one(ann, admin, routes, id):
    for method, template in routes:
        path = template
        for name in ("id", *NAMED):
            path = path.replace(f"{{{name}}}", quote(id, safe=""))
        assert "{" not in path, f"{template}: what stands here?"
        answer = _asked((admin if "/admin/" in path else ann).http, method, path)
        assert answer.status_code == 404, (method, path, answer.text)
        if method != "HEAD":
            refused(answer, 404, "not_found")


def test_on_every_route_one_that_is_nobodys(ann, admin, anyone, routes):
    for method, template in routes:
        parts = {name: it + ZEROS if it.endswith("_") else it for name, it in NAMED.items()}
        path = template.format(id=f"img_{ZEROS}", **parts)
        if "/uploads/" in path or "/tus/" in path:
            path = path.replace("img_", "upl_")
        if "/albums/" in path:
            path = path.replace("img_", "alb_", 1)
        for part, prefix in OTHERS.items():
            if path.startswith(f"/v1/{part}/"):
                path = path.replace("img_", prefix, 1)
        if "/users/" in path:
            continue  # an empty list: whether somebody is here is nobody's business
        asking = (admin if "/admin/" in path else ann).http
        assert _asked(asking, method, path).status_code == 404, (method, path)
        answer = _asked(anyone, method, path)
        assert answer.status_code in (401, 404), (method, path)


def test_a_part_of_an_image_that_is_not_there(ann, public):
    for part in (
        *("thumb", "thumb.", ".webp", "huge.webp", "thumb.exe", "thumb.webp.exe", "THUMB.webp"),
        *("thumb.heic", "original.heic", "t", "%2e%2e", "thumb%00.webp"),
    ):
        refused(ann.http.get(f"/images/{public['imageId']}/{part}"), 404, "not_found")


def test_a_share_that_is_not_there(ann, public):
    for share in ("x", f"shr_{ZEROS}", f"img_{ZEROS}"):
        path = f"/v1/images/{public['imageId']}/shares/{share}"
        refused(ann.http.delete(path), 404, "not_found")
