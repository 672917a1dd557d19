"""Signed URLs: one path, a while, whoever holds it; and not a letter of it otherwise."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from adapters.data_folder import DataFolder
from adapters.keys import InstanceKey
from adapters.signed_urls import HmacUrls
from settings import load
from tests.people import Person, eventually, expect, refused, sample
from tests.service import coming_from

VARIANTS = {
    "original": "",
    "original.png": "/original.png",
    "thumb": "/thumb.webp",
    "small.jpg": "/small.jpg",
    "medium.avif": "/medium.avif",
    "large.auto": "/large.auto",
}


pytestmark = pytest.mark.xdist_group("rates")


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
    sig, exp = whole["sig"], int(whole["exp"])
    tampered = [
        *(whole | {name: value + "0"} for name, value in whole.items()),
        *(whole | {name: ""} for name in whole if name != "sig"),
        *({k: v for k, v in whole.items() if k != name} for name in ("epoch", "exp", "kid")),
        *(whole | {"exp": odd} for odd in (str(exp + 300), str(exp - 1), f"+{exp}", f" {exp}")),
        *(whole | {"exp": odd} for odd in (f"0{exp}", f"{exp}.0", f"{exp:_}", "inf", "-1")),
        *(whole | {"epoch": odd} for odd in ("7", "-1", "99999", "x", "\u0663")),
        *(whole | {"kid": odd} for odd in ("0", "2", "01", "1 ", "x", "-1", "9" * 400, "\u0661")),
        *(whole | {"sig": odd} for odd in (sig.upper(), sig[:-1], sig[::-1], f" {sig}", "0" * 64)),
        *(whole | {"sig": odd} for odd in ("", f"0x{sig}", "ä" * 64, "\0", sig + sig)),
        *(whole | {name: "1"} for name in ("download", "x", "nbf", "variant", "t", "Exp")),
        whole | {"share": "shr_" + "0" * 26},
        whole | {"share": "shr_" + "0" * 26, "album": "alb_" + "0" * 26},
    ]
    assert len(tampered) > 45

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
    instance = InstanceKey(load(DataFolder(ann.service.data).endpoints()).instance_key)
    signer = HmacUrls(lambda: {"1": instance.derived("urls")})
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


def test_one_for_later_opens_nothing_before(ann, anyone, private):
    moment = datetime.now(UTC) + timedelta(seconds=3)
    url = signed(ann, private, notBefore=moment.isoformat(), expiresIn=600)

    problem = refused(anyone.get(url), 403, "signature_not_yet_valid")

    assert problem["validFrom"] == int(moment.timestamp())
    query = dict(parse_qsl(urlsplit(url).query))
    path = urlsplit(url).path
    for nbf in ("0", str(problem["validFrom"] - 60)):
        refused(anyone.get(path, params=query | {"nbf": nbf}), 403, "signature_invalid")
    del query["nbf"]
    refused(anyone.get(path, params=query), 403, "signature_invalid")
    eventually(lambda: anyone.get(url).status_code == 200, within=10)
    body = {"notBefore": (moment + timedelta(seconds=60)).isoformat(), "expiresIn": 30}
    later = ann.http.post(f"/v1/images/{private['imageId']}/signed-url", json=body)
    refused(later, 422, "validation")


def test_another_key_signs_in_every_process_and_older_ones_are_believed_as_long_as_is_said(strict):
    owner = Person(strict, "keys")
    image = owner.upload(sample("valid/sharp__2x2_fdcce6.png"))
    old = signed(owner, image)
    addresses = (f"127.0.2.{n}" for n in itertools.count(1))

    def everywhere(url: str) -> set[int]:
        """Each on a connection of its own; so many that no process is left out."""
        address, found = next(addresses), set()
        for _ in range(30):
            with coming_from(strict, address) as http:
                found.add(http.get(url).status_code)
        return found

    (made,) = json.loads(strict.run("keys", "rotate", "--json").stdout)
    eventually(lambda: f"kid={made['key_id']}&" in signed(owner, image), within=20)
    new = signed(owner, image)

    assert made["state"] == "signing"
    assert everywhere(new) == {200}, "also where nobody has heard of the key yet"
    assert everywhere(old) == {200}
    (leaked,) = json.loads(strict.run("keys", "rotate", "--keep", "0", "--json").stdout)
    eventually(lambda: everywhere(new) == {403}, within=20)
    assert everywhere(old) == {403}
    assert everywhere(signed(owner, image)) == {200}
    states = [line.split()[:2] for line in strict.run("keys", "list").stdout.splitlines()]
    assert states[-3:] == [
        [old_id, "ended"] if old_id != leaked["key_id"] else [old_id, "signing"]
        for old_id in (f"{int(made['key_id']) - 1}", made["key_id"], leaked["key_id"])
    ]


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
