"""A backup, restored on an empty machine: everything is back but what was purged."""

import json
import os

import psycopg
import pytest

from adapters.data_folder import DataFolder
from domain.ids import from_text
from settings import load
from tests.people import PASSWORD, Person, eventually, expect, refused, sample
from tests.service import Service

pytestmark = pytest.mark.xdist_group("erasure")

DOT = sample("valid/sharp__2x2_fdcce6.png")


def rows(service: Service, query: str) -> list:
    url = load(DataFolder(service.data).endpoints()).database_url
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def test_everything_is_back_but_what_was_purged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("backup")
    old, new = Service(folder / "old"), Service(folder / "new")
    old.start()
    try:
        person = Person(old, "gil")
        kept = person.developed(person.upload(DOT, title="kept", visibility="public"))
        firm = expect(person.http.post("/v1/orgs", json={"name": "Firm"}), 201)["orgId"]
        teams = f"/v1/orgs/{firm}/teams"
        team = expect(person.http.post(teams, json={"name": "Team"}), 201)["teamId"]
        body = {"title": "Album", "teamId": team}
        album = expect(person.http.post("/v1/albums", json=body), 201)["albumId"]
        ours = person.upload(DOT, albumId=album)
        gone = person.upload(DOT, title="gone")
        spoilt = person.upload(DOT, title="spoilt")
        old.client().get(f"/images/{kept['imageId']}")
        seen = f"/v1/images/{kept['imageId']}/stats"
        eventually(lambda: person.http.get(seen).json()["views"] == 1)
        assert old.run("backup", str(folder / "backup")).returncode == 0
        url = expect(person.http.post(f"/v1/images/{gone['imageId']}/purge"), 202)["receiptUrl"]
        eventually(lambda: person.http.get(url).json()["complete"])
        made = old.run("backup", str(folder / "backup"))
        assert made.stdout.startswith("3 originals, "), (made.stdout, made.stderr)
        assert {it.stat().st_mode & 0o077 for it in (folder / "backup").rglob("*")} == {0}
        before = rows(old, "select id, title, checksum, version from gallery.images")
    finally:
        old.stop()
    new.data.mkdir()
    name = from_text("img", spoilt["imageId"]).hex
    (damaged,) = (it for it in (folder / "backup").rglob("*") if name in str(it) and it.is_file())
    damaged.write_bytes(DOT[:-1] + b"\0")
    os.link(old.data / "instance.key", new.data / "instance.key")
    new.start()
    try:
        done = new.run("restore", str(folder / "backup"), "--json")
        assert done.returncode == 1, (done.stdout, done.stderr)
        found = json.loads(done.stdout)
        assert found["findings"] == []
        assert found["damaged"] == [str(damaged.relative_to(folder / "backup" / "objects"))]
        assert found["originals"] == 2
        assert rows(new, "select id, title, checksum, version from gallery.images") == before
        assert new.run("restore", str(folder / "backup")).returncode == 1
        login = {"email": person.email, "password": PASSWORD}
        token = expect(new.client().post("/v1/auth/login", json=login), 200)["accessToken"]
        there = new.client(token)
        assert expect(there.get(seen), 200)["views"] == 1
        assert there.get(f"/images/{kept['imageId']}").content == DOT
        assert expect(there.get(f"/v1/images/{kept['imageId']}"), 200)["title"] == "kept"
        (inside,) = expect(there.get(f"/v1/albums/{album}/images"), 200)["images"]
        assert (inside["imageId"], inside["ownerId"]) == (ours["imageId"], firm)
        assert expect(there.get(f"/v1/albums/{album}"), 200)["title"] == "Album"
        assert there.get(f"/images/{ours['imageId']}").content == DOT
        refused(there.get(f"/v1/images/{gone['imageId']}"), 404, "not_found")
        assert new.run("storage", "check").returncode == 1, "what is lost is named"
        lost = expect(there.post(f"/v1/images/{spoilt['imageId']}/purge"), 202)["receiptUrl"]
        eventually(lambda: there.get(lost).json()["complete"])
        assert expect(there.get("/v1/me/usage"), 200)["storageBytes"] == len(DOT)
        assert new.run("storage", "check").returncode == 0
        expect(there.post("/v1/images", files={"file": ("b.png", DOT)}), 201)
        assert new.run("audit", "verify").returncode == 0
    finally:
        new.stop()
