"""What nobody may bring: bytes are refused as they come, what looks like them is put aside."""

import hashlib
import os

import psycopg
import pytest
import pyvips

from adapters.data_folder import DataFolder
from settings import load
from tests.people import PHOTO, eventually, expect, refused, sample

PATH = "/v1/admin/blocklist"


def picture(seed: float, size: int = 256) -> bytes:
    """Soft shapes that no other seed makes."""
    wave = pyvips.Image.sines(size, size, hfreq=1 + seed, vfreq=2 + seed / 2, uchar=True)
    spots = pyvips.Image.sines(size, size, hfreq=0.5, vfreq=seed, uchar=True)
    return bytes((wave / 2 + spots / 2).cast("uchar").jpegsave_buffer(Q=92))


def unique() -> bytes:
    """A picture whose bytes nobody has."""
    return sample(PHOTO) + os.urandom(16)


def block(admin, **what):
    return admin.http.post(PATH, json={"reason": "why"} | what)


def lift(admin, entry, reason="over"):
    path = f"{PATH}/{entry['blockId']}"
    return admin.http.request("DELETE", path, json={"reason": reason})


def test_blocked_bytes_are_refused_whoever_brings_them_and_however(admin, ann, ben):
    content = unique()
    digest = hashlib.sha256(content).hexdigest()
    entry = expect(block(admin, sha256=digest), 201)
    assert (entry["manner"], entry["quarantined"]) == ("exact", 0)

    ticket = ann.initiate(content)
    ann.put(ticket, content)
    for _ in range(2):
        refused(ann.finalize(ticket), 422, "blocked_image")
    form = {"file": ("a.jpg", content)}
    refused(ben.http.post("/v1/images", files=form), 422, "blocked_image")

    assert ann.usage["reservedBytes"] == 0
    refused(
        ann.http.get(f"/v1/images/{ticket['uploadId'].replace('upl', 'img')}"), 404, "not_found"
    )
    assert lift(admin, entry).status_code == lift(admin, entry).status_code == 204
    expect(ben.http.post("/v1/images", files=form), 201)


def test_what_is_here_already_is_put_aside(admin, ann, anyone):
    content = unique()
    image = ann.upload(content, visibility="public")
    expect(anyone.get(f"/v1/images/{image['imageId']}"), 200)

    entry = expect(block(admin, imageId=image["imageId"]), 201)

    assert entry["quarantined"] == 1
    refused(anyone.get(f"/v1/images/{image['imageId']}"), 403, "forbidden")
    assert expect(block(admin, imageId=image["imageId"]), 201)["quarantined"] == 0
    refused(ann.http.post("/v1/images", files={"file": ("a.jpg", content)}), 422, "blocked_image")


def test_what_looks_like_it_is_put_aside_as_soon_as_it_is_processed(admin, ann, ben, anyone):
    image = ann.developed(ann.upload(picture(3.7)))
    other = ben.developed(ben.upload(picture(3.7, size=200), visibility="public"))
    unlike = ben.developed(ben.upload(picture(1.2), visibility="public"))

    entry = expect(block(admin, imageId=image["imageId"], perceptual=True), 201)

    assert (entry["manner"], entry["quarantined"]) == ("perceptual", 2)
    refused(anyone.get(f"/v1/images/{other['imageId']}"), 403, "forbidden")
    expect(anyone.get(f"/v1/images/{unlike['imageId']}"), 200)
    late = ben.upload(picture(3.7, size=300), visibility="public")
    eventually(lambda: anyone.get(f"/v1/images/{late['imageId']}").status_code == 403)
    assert lift(admin, entry).status_code == 204
    free = ben.developed(ben.upload(picture(3.7, size=280), visibility="public"))
    expect(anyone.get(f"/v1/images/{free['imageId']}"), 200)


def test_the_list_says_why_and_never_what(service, admin):
    digest = hashlib.sha256(unique()).hexdigest()
    entry = expect(block(admin, sha256=digest), 201)
    path = f"{PATH}/{entry['blockId']}"
    expect(admin.http.patch(path, json={"reason": "another"}), 200)

    shown = admin.http.get(path)
    listed = admin.http.get(PATH, params={"limit": 100})

    assert expect(shown, 200)["reason"] == "another"
    assert entry["blockId"] in listed.text
    assert digest not in shown.text + listed.text
    url = load(DataFolder(service.data).endpoints()).database_url
    with psycopg.connect(url) as connection:
        for table in ("log.darkroom_events", "blocklist.entries"):
            rows = connection.execute(f"select t::text from {table} t".encode()).fetchall()
            assert not [
                row for (row,) in rows if digest in row or bytes(digest, "ascii").hex() in row
            ]


def test_only_administrators_have_it(ann, anyone):
    refused(block(ann, sha256="0" * 64), 403, "forbidden")
    refused(ann.http.get(PATH), 403, "forbidden")
    refused(anyone.get(PATH), 401, "unauthenticated")


def test_every_act_is_in_the_audit_log(admin):
    entry = expect(block(admin, sha256=hashlib.sha256(unique()).hexdigest()), 201)
    lift(admin, entry)
    asked = {"stream": entry["blockId"]}
    entries = expect(admin.http.get("/v1/admin/audit", params=asked), 200)["entries"]
    acts = [(it["type"], it["actor"]) for it in entries]
    assert acts == [("block.added", admin.id), ("block.lifted", admin.id)]


@pytest.mark.parametrize(
    "body",
    [
        {"sha256": "abc"},
        {},
        {"sha256": "0" * 64, "imageId": "img_x"},
        {"sha256": "0" * 64, "perceptual": True},
        {"sha256": "0" * 64, "reason": ""},
    ],
    ids=str,
)
def test_what_says_nothing_is_refused(admin, body):
    refused(block(admin, **body), 422, "validation")


def test_what_has_nothing_to_be_known_by_is_refused(admin, ann, dot):
    flat = ann.developed(ann.upload(dot))
    refused(block(admin, imageId=flat["imageId"], perceptual=True), 422, "validation")
    refused(block(admin, imageId="img_x"), 404, "not_found")
    refused(lift(admin, {"blockId": "blk_x"}), 404, "not_found")


def test_the_list_goes_on_where_it_ended(admin):
    for _ in range(3):
        expect(block(admin, sha256=hashlib.sha256(unique()).hexdigest()), 201)
    seen, cursor = [], ""
    while cursor is not None:
        asked = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = expect(admin.http.get(PATH, params=asked), 200)
        seen += [it["blockId"] for it in page["blocks"]]
        cursor = page["nextCursor"]
    assert len(seen) == len(set(seen)) == page["total"]
    refused(admin.http.get(f"{PATH}?cursor=x"), 422, "validation")
