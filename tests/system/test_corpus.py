"""Every file of the corpus through the API: the outcome its manifest expects, and never a 5xx."""

import json

import pytest

from tests.people import CORPUS

MANIFEST = [json.loads(line) for line in (CORPUS / "manifest.jsonl").read_text().splitlines()]
REFUSALS = {
    (413, "file_too_large"),
    (415, "unsupported_format"),
    (422, "corrupt_image"),
    (422, "too_many_pixels"),
    (422, "too_many_frames"),
}


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["file"])
def test_corpus(ann, entry):
    content = (CORPUS / entry["file"]).read_bytes()

    answer = ann.http.post("/v1/images", files={"file": (entry["file"], content)})

    accepted = answer.status_code == 201
    refused = answer.status_code >= 400 and (
        (answer.status_code, answer.json()["code"]) in REFUSALS
    )
    expected = {
        "accept": accepted,
        "accept-if-hevc": accepted,
        "accept-stripped": accepted,
        "reject": refused,
    }.get(entry["expected"], accepted or refused)
    assert expected, (entry, answer.status_code, answer.text[:300])
    if accepted:
        thumb = ann.http.get(answer.json()["thumbnailUrl"])
        assert thumb.status_code == 200
        assert b"CANARY" not in thumb.content


def test_the_presigned_way_gives_the_same_verdicts(ann):
    for entry in MANIFEST[::7]:
        content = (CORPUS / entry["file"]).read_bytes()
        form = ann.http.post("/v1/images", files={"file": (entry["file"], content)})
        ticket = ann.initiate(content, entry["file"].replace("/", "_"))
        assert ann.put(ticket, content).status_code == 200

        presigned = ann.finalize(ticket)

        assert presigned.status_code == form.status_code, entry
        if presigned.status_code != 201:
            assert presigned.json()["code"] == form.json()["code"]
            again = ann.finalize(ticket)
            assert again.json()["code"] == presigned.json()["code"], "a verdict stays"


def test_nothing_died_of_it_and_no_refused_byte_is_counted(service, ann):
    service.await_ready()
    usage = ann.http.get("/v1/me/usage").json()
    assert usage["reservedBytes"] == 0
