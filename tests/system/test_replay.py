"""`darkroom replay`: how a stream, and every read model, was at a moment; nothing is changed."""

import json

from tests.people import expect, sample

DOT = sample("valid/sharp__2x2_fdcce6.png")


def replayed(service, *arguments: str) -> list[dict]:
    done = service.run("replay", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_stream_and_every_read_model_are_as_they_were(service, ann):
    image = ann.upload(DOT, "replayed.png", title="Before")
    path = f"/v1/images/{image['imageId']}"
    changed = ann.http.patch(path, json={"title": "After"})
    position = int(changed.headers["Darkroom-Position"])
    at = ("--until", str(position - 1))

    (then,) = replayed(service, *at, "--stream", image["imageId"])
    (now,) = replayed(service, "--until", "2100-01-01", "--stream", image["imageId"])

    assert then["document"]["title"] == "Before"
    assert now["document"]["title"] == "After"
    assert now["steps"][-1]["changes"] == {"title": ["Before", "After"]}
    assert now["steps"][: len(then["steps"])] == then["steps"]

    cards = [it for it in replayed(service, *at) if it["readModel"] == "gallery"]
    titles = {it["filename"]: it["title"] for it in cards}
    assert titles["replayed.png"] == "Before"
    assert expect(ann.http.get(path), 200)["title"] == "After"


def test_people_can_read_it(service, ann):
    image = ann.upload(DOT, "table.png", title="Told")

    told = service.run("replay", "--until", "2100-01-01", "--stream", image["imageId"])
    counted = service.run("replay", "--until", "2100-01-01")

    assert told.returncode == counted.returncode == 0
    assert "image.finalized" in told.stdout
    assert '"title": "Told"' in told.stdout
    assert "gallery: " in counted.stdout


def test_what_cannot_be_shown_is_said(service, ann):
    early = service.run("replay", "--until", "0", "--stream", ann.id)
    nothing = service.run("replay", "--until", "soon")

    assert (early.returncode, nothing.returncode) == (1, 2)
    assert early.stderr.startswith("By then nothing")
    assert "neither a position nor a time" in nothing.stderr
