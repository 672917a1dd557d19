"""Purging and erasing, down to the raw bytes of every folder; killed midway; brought back."""

import asyncio
import base64
import time
from uuid import UUID

import httpx
import psycopg
import pytest

from adapters.data_folder import DataFolder
from bootstrap import Core
from domain.ids import from_text
from settings import load
from tests.elsewhere import ELSEWHERE
from tests.people import PASSWORD, Person, eventually, expect, refused, sample
from tests.receiver import Receiver, answer
from tests.service import TRUST, Service

pytestmark = pytest.mark.xdist_group("erasure")

WHEREABOUTS = "exif/test-assets__datetimeoriginal-gps.jpg"


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory):
    """A Darkroom of our own, to look into."""
    service = Service(
        tmp_path_factory.mktemp("forgetful") / "data", DARKROOM_WEBHOOK_ALLOW=f"{ELSEWHERE}/32"
    )
    service.start()
    yield service
    service.stop()


@pytest.fixture(scope="module")
def dot() -> bytes:
    return sample("valid/sharp__2x2_fdcce6.png")


def database(service: Service) -> psycopg.Connection:
    url = load(DataFolder(service.data).endpoints()).database_url
    return psycopg.connect(url, autocommit=True)


def completed(url: str, within: float = 60.0) -> dict:
    """The receipt, which needs no login, once everything is removed."""
    deadline = time.monotonic() + within
    while not (receipt := expect(httpx.get(url, verify=TRUST), 200))["complete"]:
        assert time.monotonic() < deadline, receipt
        time.sleep(0.05)
    return receipt


def counts(receipt: dict) -> dict[str, int]:
    return {it["where"]: it["count"] for it in receipt["removed"]}


def kill_eraser(service: Service) -> None:
    """Once there is one again, wherever it is by then."""
    eventually(lambda: service.runs("react"))
    service.kill("react")


def hits(service: Service, canaries: dict[str, bytes]) -> dict[str, list[str]]:
    """Which canary is in which file."""
    found: dict[str, list[str]] = {}
    for file in service.data.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            if names := [name for name, canary in canaries.items() if canary in content]:
                found[str(file.relative_to(service.data))] = names
    return found


def vanished(service: Service, canaries: dict[str, bytes], within: float = 60.0) -> None:
    deadline = time.monotonic() + within
    while found := hits(service, canaries):
        assert time.monotonic() < deadline, found
        time.sleep(0.5)


def canaries_of(person: Person, image: dict, content: bytes) -> dict[str, bytes]:
    checksum = image["checksum"].removeprefix("sha256:")
    return {
        "email": person.email.encode(),
        "name": person.name.encode(),
        "title": b"a canary of a title",
        "description": b"a canary of a description",
        "tag": b"canary-tag",
        "file name": b"canary-of-a-file",
        "album": b"a canary of an album",
        "webhook": b"canary-of-a-hook",
        "answer to a webhook": b"a canary of an answer",
        "custom field": b"a canary of a field",
        "preset": b"canary-of-a-preset",
        "key": b"a canary of a key",
        "report": b"a canary of a report",
        "search": b"canary-for-a-search",
        "file name, as tus says it": base64.b64encode(b"canary-of-a-file.jpg"),
        "whereabouts": b"latitude",
        "checksum": checksum.encode(),
        "checksum, raw": bytes.fromhex(checksum),
        "pixels": content[-200:-100],
    }


def uploaded(person: Person, content: bytes) -> dict:
    image = person.upload(
        content,
        "canary-of-a-file.jpg",
        title="a canary of a title",
        description="a canary of a description",
        tags=["canary-tag"],
        custom={"where": "a canary of a field"},
    )
    return person.developed(image)


def looked_at(person: Person, image: dict, others: dict) -> None:
    """And everything else that leaves something somewhere."""
    http, path = person.http, f"/v1/images/{image['imageId']}"
    for transform in ("w_320.webp", "w_321,h_200,crop_entropy.jpg"):
        url = expect(http.post(f"{path}/signed-url", json={"transform": transform}), 200)["url"]
        assert person.service.client().get(url).status_code == 200
    assert http.get(f"/images/{image['imageId']}").status_code == 200
    assert http.get("/v1/me/export").status_code == 200
    expect(http.get("/v1/search", params={"q": "canary-for-a-search"}), 200)
    expect(http.put("/v1/me/presets/canary-of-a-preset", json={"ops": "w_320"}), 200)
    key = {"name": "a canary of a key", "scopes": ["read"]}
    expect(http.post("/v1/api-keys", json=key), 201)
    expect(http.post("/v1/upload-tokens", json={}), 201)
    report = {"reason": "other", "details": "a canary of a report", "imageId": others["imageId"]}
    expect(http.post("/v1/reports", json=report), 202)
    eventually(lambda: expect(http.get(f"{path}/stats"), 200)["views"] > 0)


def rows_naming(service: Service, *ids: str) -> dict[str, int]:
    """By table, rows in which one of the ids is to be found in some form."""
    found: dict[str, int] = {}
    forms = [form for id in ids for form in (id, from_text(id.partition("_")[0], id))]
    wanted = "|".join(text for it in forms for text in (str(it), getattr(it, "hex", str(it))))
    with database(service) as connection:
        tables = connection.execute(
            "select format('%I.%I', table_schema, table_name) from information_schema.tables"
            " where table_type = 'BASE TABLE'"
            " and table_schema not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        for (table,) in tables:
            query = f"select count(*) from {table} t where t::text ~ %s"
            ((count,),) = connection.execute(query, (wanted,)).fetchall()
            if count:
                found[table] = count
    return found


TRACES = {
    *("log.darkroom_events", "log.account_usage", "log.derived_usage"),
    *("gallery.images", "gallery.usage", "metering.spans"),  # that it was there, and for how long
    "erasure.tasks",  # the receipt
    "secrets.letters",  # that the first one was sent, until it can be asked for no more
}
"""Tables that may name what was erased, by nothing but its id."""


def test_no_raw_byte_is_left_of_an_account_that_was_erased(forgetful, dot):
    person, content = Person(forgetful, "canary"), sample(WHEREABOUTS)
    other, receiver = Person(forgetful, "other"), Receiver()
    receiver.always = lambda it: answer(it, 200, b"a canary of an answer")
    expect(person.http.post("/v1/webhooks", json={"url": receiver.url()}), 201)
    expect(person.http.patch("/v1/me", json={"duplicates": "return", "keepGps": True}), 200)
    image = uploaded(person, content)
    canaries = canaries_of(person, image, content)
    looked_at(person, image, other.upload(dot, visibility="public"))
    view = {"permissions": ["view"]}
    lent = f"/v1/images/{other.upload(dot)['imageId']}/collaborators/{person.id}"
    expect(other.http.put(lent, json=view), 200)
    told = "/v1/notifications"
    eventually(lambda: expect(person.http.get(told), 200)["notifications"])
    eventually(lambda: receiver.ids)
    receiver.down()
    metadata = f"/v1/images/{image['imageId']}/metadata"
    assert expect(person.http.get(metadata), 200)["gps"]["latitude"]
    albums = [{"title": f"a canary of an album, {n}"} for n in range(2)]
    made = [expect(person.http.post("/v1/albums", json=it), 201)["albumId"] for it in albums]
    assert person.http.delete(f"/v1/albums/{made[0]}").status_code == 204
    hooks = [{"url": f"https://{n}.invalid/canary-of-a-hook"} for n in range(2)]
    hooked = [expect(person.http.post("/v1/webhooks", json=it), 201)["webhookId"] for it in hooks]
    assert person.http.delete(f"/v1/webhooks/{hooked[0]}").status_code == 204
    ticket = person.initiate(content, "canary-of-a-file.jpg")
    person.put(ticket, content)
    assert expect(person.finalize(ticket), 200)["imageId"] == image["imageId"]
    key = {"Idempotency-Key": "canary"}
    share = f"/v1/images/{image['imageId']}/share"
    expect(person.http.post(share, json={"expiresIn": 60}, headers=key), 201)
    body = {"filename": "canary-of-a-file.jpg", "size": 3, "contentType": "image/jpeg"}
    expect(person.http.post("/v1/uploads", json=body), 201)
    hook = {"headers": key, "json": hooks[1]}
    expect(person.http.post("/v1/webhooks", **hook), 201)
    there = {name for names in hits(forgetful, canaries).values() for name in names}
    sealed = {"webhook", "search", "key"}
    assert there >= canaries.keys() - {"file name, as tus says it", "checksum, raw"} - sealed
    assert not there & sealed, "not even before"

    refused(
        person.http.request("DELETE", "/v1/me", json={"password": "no"}), 401, "unauthenticated"
    )
    ordered = person.http.request("DELETE", "/v1/me", json={"password": PASSWORD})
    receipt = completed(expect(ordered, 202)["receiptUrl"])
    done = forgetful.run("erasure", "compact")

    assert done.returncode == 0, done.stderr
    assert receipt["userId"] == person.id
    assert counts(receipt)["images"] == 3
    # password, session, refresh token, mailed token, the device that was signed in from, two keys
    assert counts(receipt)["secrets"] == 7
    assert counts(receipt)["albums"] == 2
    assert counts(receipt)["webhooks"] == 3
    assert rows_naming(forgetful, person.id, image["imageId"]).keys() <= TRACES
    vanished(forgetful, canaries)
    assert forgetful.run("rebuild", "--all").returncode == 0
    left = expect(forgetful.client().get("/v1/images"), 200)["images"]
    assert {it["ownerId"] for it in left} == {other.id}
    refused(person.http.get("/v1/me"), 401, "unauthenticated")
    login = {"email": person.email, "password": PASSWORD}
    refused(forgetful.client().post("/v1/auth/login", json=login), 401, "unauthenticated")
    refresh = {"refreshToken": person.tokens["refreshToken"]}
    refused(forgetful.client().post("/v1/auth/refresh", json=refresh), 401, "unauthenticated")
    refused(person.http.post("/v1/uploads", json=body), 401, "unauthenticated")
    anew = {"username": person.name, "email": person.email, "password": PASSWORD}
    assert expect(forgetful.client().post("/v1/auth/signup", json=anew), 201)["userId"] != person.id


def test_a_purged_image_is_gone_and_its_receipt_stays(forgetful, dot):
    ann, ben = Person(forgetful, "ann"), Person(forgetful, "ben")
    image, kept = uploaded(ann, dot), uploaded(ann, dot)
    path = f"/v1/images/{image['imageId']}"
    refused(ann.http.get(f"{path}/purge-receipt"), 404, "not_found")
    refused(ben.http.post(f"{path}/purge"), 403, "forbidden")

    url = expect(ann.http.post(f"{path}/purge"), 202)["receiptUrl"]

    for gone in (path, f"{path}/metadata", f"{path}/shares", f"/images/{image['imageId']}"):
        refused(ann.http.get(gone), 404, "not_found")
    refused(ann.http.post(f"{path}/restore"), 404, "not_found")
    refused(ann.http.post(f"{path}/purge"), 409, "already_purged")
    receipt = completed(url)
    assert receipt == expect(ann.http.get(f"{path}/purge-receipt"), 200)
    refused(ben.http.get(f"{path}/purge-receipt"), 404, "not_found")
    assert {"keys": 1, "nats": 4}.items() <= counts(receipt).items()
    assert counts(receipt)["objects"] >= 9
    assert ann.usage["storageBytes"] == len(dot)
    assert ann.http.get(f"/images/{kept['imageId']}").content == dot
    assert forgetful.run("storage", "check").returncode == 0


def test_an_answer_that_spoke_of_a_purged_image_is_forgotten(forgetful, dot):
    person, key = Person(forgetful, "cid"), {"Idempotency-Key": "answered"}
    files = {"file": ("a.png", dot)}
    image = expect(person.http.post("/v1/images", files=files, headers=key), 201)
    url = expect(person.http.post(f"/v1/images/{image['imageId']}/purge"), 202)["receiptUrl"]

    assert counts(completed(url))["idempotency records"] == 1

    refused(person.http.post("/v1/images", files=files, headers=key), 404, "not_found")


def test_an_eraser_that_is_killed_again_and_again_finishes(forgetful, dot):
    person = Person(forgetful, "dee")
    images = [person.upload(dot) for _ in range(20)]
    urls = [
        expect(person.http.post(f"/v1/images/{it['imageId']}/purge"), 202)["receiptUrl"]
        for it in images
    ]

    for _ in range(4):
        kill_eraser(forgetful)

    assert all(completed(url)["complete"] for url in urls)
    prefix = f"originals/{from_text('u', person.id).hex}/"

    async def left() -> list[str]:
        core = Core(load(DataFolder(forgetful.data).endpoints()))
        async with core.opened():
            return [it.key async for it in core.objects.list(prefix)]

    assert asyncio.run(left()) == []


def test_what_a_backup_brings_back_is_destroyed_again(forgetful, dot):
    person = Person(forgetful, "eve")
    image = uploaded(person, dot)
    subject = from_text("img", image["imageId"])
    assert isinstance(subject, UUID)
    with database(forgetful) as connection:
        backup = connection.execute(
            "select stream_id, wrapped from log.stream_keys where stream_id = %s", (subject,)
        ).fetchone()
        url = expect(person.http.post(f"/v1/images/{image['imageId']}/purge"), 202)["receiptUrl"]
        completed(url)
        connection.execute("insert into log.stream_keys values (%s, %s)", backup)

        done = forgetful.run("erasure", "reapply")

        assert done.returncode == 0, done.stderr
        keys = "select from log.stream_keys where stream_id = %s"
        eventually(lambda: not connection.execute(keys, (subject,)).fetchall())
        completed(url)

        connection.execute("insert into log.stream_keys values (%s, %s)", backup)
        kill_eraser(forgetful)  # the next one looks by itself when it starts
        eventually(lambda: not connection.execute(keys, (subject,)).fetchall())


def test_darkroom_rewrites_its_small_tables_by_itself(forgetful, dot):
    person = Person(forgetful, "fin")
    image = person.developed(person.upload(dot, "a-name-to-forget.png", title="forget this too"))
    canaries = {"file name": b"a-name-to-forget", "title": b"forget this too"}
    url = expect(person.http.post(f"/v1/images/{image['imageId']}/purge"), 202)["receiptUrl"]
    completed(url)
    with database(forgetful) as connection:
        connection.execute("update erasure.progress set compacted_at = '-infinity'")

        vanished(forgetful, canaries)
