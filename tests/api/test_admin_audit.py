"""The audit log and its proof, over HTTP and on the command line."""

import csv
import io
import json

import pytest

from tests.people import Person, expect, refused

AUDIT = "/v1/admin/audit"


@pytest.fixture(scope="module")
def image(ann, dot):
    image = ann.upload(dot, "a-secret-name.png", title="a secret title")
    expect(ann.http.patch(f"/v1/images/{image['imageId']}", json={"title": "another"}), 200)
    return image


def test_only_administrators_read_it(ann, anyone):
    refused(anyone.get(AUDIT), 401, "unauthenticated")
    refused(ann.http.get(AUDIT), 403, "forbidden")


def test_it_says_who_did_what_to_what_page_by_page(ann, admin, image):
    asked = {"stream": image["imageId"], "limit": 3}
    page = expect(admin.http.get(AUDIT, params=asked), 200)
    rest = expect(admin.http.get(AUDIT, params=asked | {"cursor": page["nextCursor"]}), 200)

    entries = page["entries"] + rest["entries"]
    assert [it["type"] for it in entries] == [
        *("image.upload-initiated", "image.finalized", "image.details-changed"),
        *("image.cleared", "image.details-changed"),
    ]
    assert {it["actor"] for it in entries} == {ann.id}
    assert {it["stream"] for it in entries} == {image["imageId"]}
    assert "secret" not in json.dumps(entries)
    assert rest["nextCursor"] is None


def test_it_is_filtered_by_actor_type_and_time(ann, admin, image):
    mine = {"actor": ann.id, "type": "image.details-changed", "limit": 1_000}
    found = expect(admin.http.get(AUDIT, params=mine), 200)["entries"]
    assert image["imageId"] in {it["stream"] for it in found}
    assert {(it["actor"], it["type"]) for it in found} == {(ann.id, "image.details-changed")}
    late = expect(admin.http.get(AUDIT, params=mine | {"since": "2999-01-01"}), 200)
    assert late["entries"] == []


def test_it_can_be_had_as_csv(admin, image):
    answer = admin.http.get(AUDIT, params={"stream": image["imageId"], "format": "csv"})

    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["type"] for row in rows][:2] == ["image.upload-initiated", "image.finalized"]
    assert json.loads(rows[1]["data"])["format"] == "png"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("actor", "img_x"),
        ("type", "image.nonsense"),
        ("stream", "x"),
        ("since", "yesterday"),
        ("format", "xml"),
        ("cursor", "-1"),
        ("limit", "1001"),
    ],
)
def test_what_makes_no_sense_is_named(admin, field, value):
    problem = refused(admin.http.get(AUDIT, params={field: value}), 422, "validation")
    assert [it["field"] for it in problem["errors"]] == [field]


def test_the_command_line_proves_and_reads_the_same(ann, service, image, tmp_path):
    file = tmp_path / "checkpoint.json"
    sealed = service.run("audit", "checkpoint", str(file))
    assert sealed.returncode == 0, sealed.stderr
    assert json.loads(file.read_bytes())["position"] > 0

    proven = service.run("audit", "verify", "--checkpoint", str(file), "--json")
    assert json.loads(proven.stdout)["intact"] is True, proven.stdout
    assert "events/s: no findings." in service.run("audit", "verify").stdout

    asked = ("--stream", image["imageId"], "--actor", ann.id, "--type", "image")
    printed = service.run("audit", "log", *asked, "--format", "json").stdout.splitlines()
    listed = service.run("audit", "log", *asked).stdout
    rows = list(csv.DictReader(io.StringIO(listed)))
    assert [json.loads(it)["type"] for it in printed] == [row["type"] for row in rows]
    assert len(rows) == 5


def test_the_command_line_says_what_is_wrong(service, tmp_path):
    file = tmp_path / "checkpoint.json"
    file.write_text("{}")
    assert service.run("audit", "verify", "--checkpoint", str(file)).returncode == 1
    assert service.run("audit", "log", "--type", "nonsense").returncode == 2
    assert service.run("audit", "log", "--since", "yesterday").returncode == 2


def test_a_purged_image_leaves_a_trail_that_still_proves(ann: Person, admin, service, dot):
    image = ann.upload(dot)
    expect(ann.http.post(f"/v1/images/{image['imageId']}/purge"), 202)

    trail = expect(admin.http.get(AUDIT, params={"stream": image["imageId"]}), 200)["entries"]

    assert trail[-1]["type"] == "image.purged"
    assert trail[-1]["data"]["cause"] == "owner"
    receipt = f"/v1/images/{image['imageId']}/purge-receipt"
    assert expect(admin.http.get(receipt), 200)["imageId"] == image["imageId"]
    assert service.run("audit", "verify").returncode == 0
