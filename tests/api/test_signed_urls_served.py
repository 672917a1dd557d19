"""Signed URLs: one path, a while, whoever holds it; and not a letter of it otherwise."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from adapters.embedded import DataFolder
from adapters.keys import InstanceKey
from adapters.signed_urls import HmacUrls
from settings import load
from tests.people import expect, refused

VARIANTS = {
    "original": "",
    "original.png": "/original.png",
    "thumb": "/thumb.webp",
    "small.jpg": "/small.jpg",
    "medium.avif": "/medium.avif",
    "large.auto": "/large.auto",
}


def signed(person, image, **asked):
    answer = person.http.post(f"/v1/images/{image['imageId']}/signed-url", json=asked)
    found = expect(answer, 200)
    assert set(found) == {"url", "expiresAt"}
    return found["url"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_opens_one_rendering_without_a_login(ann, anyone, private, variant):
    url = signed(ann, private, variant=variant, expiresIn=60)

    answer = anyone.get(url)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-cache"
    assert urlsplit(url).path == f"/images/{private['imageId']}{VARIANTS[variant]}"
    assert anyone.head(url).status_code == 200
    for other in set(VARIANTS.values()) - {VARIANTS[variant]}:
        path = f"/images/{private['imageId']}{other}?{urlsplit(url).query}"
        refused(anyone.get(path), 403, "signature_invalid")


def test_it_opens_no_other_image_and_nothing_else_of_this_one(ann, anyone, private, dot):
    other, url = ann.upload(dot), signed(ann, private)
    query = urlsplit(url).query

    for path in (
        f"/images/{other['imageId']}",
        f"/images/{private['imageId']}/metadata",
        f"/v1/images/{private['imageId']}",
        f"/v1/images/{private['imageId']}/metadata",
        f"/v1/images/{private['imageId']}/file",
    ):
        refused(anyone.get(f"{path}?{query}"), 403, "signature_invalid")


def test_not_a_letter_of_it_can_be_changed(ann, anyone, private):
    path, query = urlsplit(signed(ann, private))[2:4]
    pairs = parse_qsl(query)
    whole = dict(pairs)
    assert set(whole) == {"epoch", "exp", "kid", "sig"}
    tampered = [
        *(whole | {name: value + "0"} for name, value in whole.items()),
        *({k: v for k, v in whole.items() if k != name} for name in ("exp", "kid")),
        whole | {"exp": str(int(whole["exp"]) + 300)},
        whole | {"download": "1"},
        whole | {"x": "y"},
        whole | {"exp": f"+{whole['exp']}"},
        whole | {"sig": whole["sig"].upper()},
        whole | {"share": "shr_" + "0" * 26},
    ]

    for parameters in tampered:
        refused(anyone.get(path, params=parameters), 403, "signature_invalid")
    for pair in pairs:
        refused(anyone.get(path, params=[*pairs, pair]), 403, "signature_invalid")
    assert anyone.get(path, params=pairs[::-1]).status_code == 200, "in any order"
    refused(anyone.get(path, params=[(k, v) for k, v in pairs if k != "sig"]), 403, "forbidden")


def test_downloading_is_signed_too(ann, anyone, private):
    url = signed(ann, private, download=True)

    answer = anyone.get(url)

    assert answer.headers["content-disposition"].startswith("attachment; ")
    refused(anyone.get(url.replace("download=1", "download=0")), 403, "signature_invalid")
    assert anyone.get(signed(ann, private)).headers["content-disposition"].startswith("inline; ")


def test_it_expires_and_says_when(ann, anyone, private):
    signer = HmacUrls(
        InstanceKey(load(DataFolder(ann.service.data).endpoints()).instance_key).url_keys()
    )
    past = datetime.now(UTC) - timedelta(seconds=60)
    path = f"/images/{private['imageId']}"

    problem = refused(anyone.get(signer.sign(path, {}, past, past).url), 403, "signature_expired")

    assert 0 <= past.timestamp() - problem["expiredAt"] + 1 <= 1
    soon = datetime.now(UTC) + timedelta(seconds=60)
    assert anyone.get(signer.sign(path, {}, soon, past).url).status_code == 200
    for odd in ({"exp": "x"}, {"exp": "-1"}, {"exp": ""}):
        refused(
            anyone.get(f"{path}?{urlencode(odd | {'kid': '1', 'sig': 'x'})}"),
            403,
            "signature_invalid",
        )


def test_long_lived_ones_of_one_window_are_equal_so_that_caches_hit(ann, private):
    urls = {signed(ann, private, expiresIn=86_400) for _ in range(5)}

    assert len(urls) <= 2


@pytest.mark.parametrize(
    "variant", ["", "huge", "thumb.exe", "original.exe", "../x", "thumb.webp?a"]
)
def test_nothing_is_signed_that_is_not_delivered(ann, private, variant):
    path = f"/v1/images/{private['imageId']}/signed-url"

    problem = refused(ann.http.post(path, json={"variant": variant}), 422, "validation")

    assert [error["field"] for error in problem["errors"]] == ["variant"]
