"""`darkroom storage check`, on a Darkroom whose object store somebody has meddled with."""

import asyncio
import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from adapters.data_folder import DataFolder
from adapters.recipe import RECIPE
from bootstrap import Core
from commands import object_keys
from commands.ports import ObjectKey
from domain.ids import AccountId, ImageId, from_text
from domain.image_events import ImageFinalized
from domain.media import Format, Rung
from settings import load
from tests.people import PHOTO, Person, eventually, sample
from tests.service import DARKROOM, Service

pytestmark = pytest.mark.xdist_group("storage")


@pytest.fixture(scope="module")
def meddled(tmp_path_factory):
    """A Darkroom of our own to meddle with."""
    service = Service(tmp_path_factory.mktemp("meddled") / "data")
    service.start()
    yield service
    service.stop()


class Meddler:
    """Somebody with the keys to the bucket."""

    def __init__(self, service: Service) -> None:
        self._settings = load(DataFolder(service.data).endpoints())

    def keys(self, prefix: str = "") -> set[str]:
        async def work(core):
            return {it.key async for it in core.objects.list(prefix)}

        return self._run(work)

    def put(self, key: str, content: bytes = b"orphan") -> str:
        self._run(lambda core: core.objects.put(key, content, content_type="image/jpeg"))
        return key

    def read(self, key: str) -> bytes:
        return self._run(lambda core: core.objects.read(key))

    def delete(self, *keys: str) -> None:
        self._run(lambda core: core.objects.delete(keys))

    def original(self, image: dict) -> ObjectKey:
        async def work(core):
            history = await core.store.load(from_text("img", image["imageId"]))
            (event,) = (it for it in history if isinstance(it.event, ImageFinalized))
            return object_keys.original(event.by, event.stream_id, event.event.attempt)

        return self._run(work)

    def _run(self, work):
        async def opened():
            core = Core(self._settings)
            async with core.opened():
                return await work(core)

        return asyncio.run(opened())


@pytest.fixture
def meddler(meddled) -> Meddler:
    return Meddler(meddled)


@pytest.fixture(scope="module")
def cat(meddled) -> Person:
    return Person(meddled, "cat")


def check(service: Service, *options: str) -> dict:
    done = service.run("storage", "check", "--json", *options)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert done.returncode == (0 if found["clean"] else 1), done.stderr
    return found


def kinds(found: dict) -> dict[str, str]:
    return {it["key"]: it["kind"] for it in found["findings"]}


def thumb(image: dict) -> ObjectKey:
    id = ImageId(from_text("img", image["imageId"]))
    return object_keys.derivative(id, RECIPE, Rung.THUMB, Format.WEBP)


def test_what_there_was_no_room_for_is_not_missing(meddled, meddler):
    full = Person(meddled, "full")
    photo = sample("orientation/exif-orientation-examples__Landscape_4.jpg")
    room = str(len(photo) + 20_000)
    assert meddled.run("admin", "quota", full.id, room, "--reason", "small").returncode == 0
    image = full.developed(full.upload(photo))
    id = from_text("img", image["imageId"])

    stored = meddler.keys(object_keys.derivatives(ImageId(id)))
    found = kinds(check(meddled))

    assert thumb(image) in stored
    assert object_keys.derivative(ImageId(id), RECIPE, Rung.LARGE, Format.WEBP) not in stored
    assert id.hex not in str(found)


def test_a_store_that_nobody_touched_is_clean(meddled, cat):
    images = [cat.upload(sample(PHOTO)) for _ in range(3)]
    for image in images:
        cat.developed(image)
    cat.put(cat.initiate(sample(PHOTO)), sample(PHOTO))  # is about to be finalized

    found = check(meddled, "--deep", "--grace", "0")

    assert found["findings"] == []
    assert found["checked"]["images"] >= 3
    assert found["checked"]["incoming"] >= 1
    said = meddled.run("storage", "check")
    assert said.returncode == 0
    assert "0 findings" in said.stdout


def test_lost_and_altered_originals_are_reported_and_nothing_else(meddled, cat, meddler):
    lost, cut, flipped, whole = [cat.upload(sample(PHOTO), title=str(n)) for n in range(4)]
    kept = meddler.read(meddler.original(lost))
    meddler.delete(meddler.original(lost))
    meddler.put(meddler.original(cut), kept[:-1])
    meddler.put(meddler.original(flipped), bytes([kept[0] ^ 1]) + kept[1:])

    quick, deep = check(meddled), check(meddled, "--deep", "--repair")

    expected = {
        meddler.original(lost): "missing_original",
        meddler.original(cut): "wrong_size",
    }
    assert kinds(quick) == expected
    assert kinds(deep) == expected | {meddler.original(flipped): "wrong_checksum"}
    assert all(it["repair"] is None for it in deep["findings"])
    assert {it["imageId"] for it in quick["findings"]} == {lost["imageId"], cut["imageId"]}
    assert meddler.read(meddler.original(whole)) == kept
    for image in (lost, cut, flipped):
        meddler.put(meddler.original(image), kept)
    assert check(meddled, "--deep")["clean"]


def whole(person, image):
    """Once all of its prints are there, those that are made when there is time, too."""
    person.developed(image)
    versions = f"/v1/images/{image['imageId']}/versions"

    def late() -> int:
        found = person.http.get(versions).json()["versions"]
        return sum(it["format"] == "avif" for it in found)

    eventually(lambda: late() == len(Rung), within=120)


def test_orphans_are_quarantined_and_what_is_referenced_stays(meddled, cat, meddler):
    image = cat.upload(sample(PHOTO))
    whole(cat, image)
    image_id, owner = from_text("img", image["imageId"]), AccountId(uuid4())
    before = meddler.keys()
    orphans = {
        object_keys.original(owner, ImageId(uuid4()), uuid4()): "orphan_original",
        object_keys.original(owner, ImageId(image_id), uuid4()): "orphan_original",
        object_keys.incoming(ImageId(image_id)): "stale_incoming",
        "incoming/whatever": "stale_incoming",
        f"{object_keys.derivatives(ImageId(uuid4()))}v1/thumb.webp": "orphan_derivative",
    }
    for key in orphans:
        meddler.put(key)

    assert check(meddled)["clean"]  # they are younger than the grace period
    assert kinds(check(meddled, "--grace", "0")) == orphans
    repaired = check(meddled, "--grace", "0", "--repair")

    assert kinds(repaired) == orphans
    assert {it["repair"] for it in repaired["findings"]} == {"quarantined"}
    today = f"quarantine/{datetime.now(UTC):%Y-%m-%d}"
    assert meddler.keys() == before | {f"{today}/{key}" for key in orphans}
    assert meddler.read(f"{today}/incoming/whatever") == b"orphan"
    assert check(meddled, "--grace", "0")["clean"]


def test_quarantine_is_left_after_30_days(meddled, meddler):
    def day(days: int) -> str:
        return f"quarantine/{datetime.now(UTC) - timedelta(days=days):%Y-%m-%d}/incoming/x"

    old, young = meddler.put(day(32)), meddler.put(day(28))
    other = meddler.put("quarantine/notes")
    check(meddled)
    assert old in meddler.keys("quarantine/")

    assert check(meddled, "--repair")["forgotten"] == 1

    assert old not in meddler.keys("quarantine/")
    assert {young, other} <= meddler.keys("quarantine/")


def test_missing_prints_are_developed_again(meddled, cat, meddler):
    images = [cat.upload(sample(PHOTO)) for _ in range(3)]
    for image in images:
        whole(cat, image)
    everything = meddler.keys("derivatives/")
    first, *_, last = sorted(images, key=thumb)
    gone = {thumb(first)} | {
        key for key in everything if key.startswith(thumb(last).rpartition("/")[0])
    }
    assert len(gone) > 5
    meddler.delete(*gone)

    found = check(meddled, "--repair")

    assert kinds(found) == dict.fromkeys(gone, "missing_derivative")
    assert {it["repair"] for it in found["findings"]} == {"queued"}
    deadline = datetime.now(UTC) + timedelta(seconds=120)
    while meddler.keys("derivatives/") != everything:
        assert datetime.now(UTC) < deadline, "not developed again"
    assert check(meddled)["clean"]


def test_a_store_that_is_down_is_no_finding(meddled):
    command = [DARKROOM, "storage", "check", "--data", str(meddled.data)]
    nowhere = os.environ | {"DARKROOM_OBJECTS_URL": "http://127.0.0.1:1"}

    done = subprocess.run(command, env=nowhere, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "objects" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_wrong_usage(meddled):
    for arguments in (["check", "--grace", "-1"], ["check", "--nonsense"], ["nonsense"]):
        assert meddled.run("storage", *arguments).returncode == 2
    taught = subprocess.run(
        [DARKROOM, "storage", "check", "--help"], capture_output=True, text=True, check=True
    )
    assert "missing_original" in taught.stdout
    assert "Example" in taught.stdout
