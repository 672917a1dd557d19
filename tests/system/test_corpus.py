"""Every file of the corpus through the API: the outcome its manifest expects, and never a 5xx."""

import json

import httpx
import pytest

from commands.uploads import MULTIPART_FROM
from tests.elsewhere import web
from tests.people import CORPUS, Person, put
from tests.tus import Tus

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


def as_form(person: Person, name: str, content: bytes) -> httpx.Response:
    return person.http.post("/v1/images", files={"file": (name, content)})


def presigned(person: Person, name: str, content: bytes) -> httpx.Response:
    ticket = person.initiate(content, name)
    assert person.put(ticket, content).status_code == 200
    answer = person.finalize(ticket)
    if answer.status_code != 201:
        assert verdict(person.finalize(ticket)) == verdict(answer), "a verdict stays"
    return answer


def in_parts(person: Person, name: str, content: bytes) -> httpx.Response:
    ticket = person.initiate(content, name)
    size = ticket["multipart"]["partSize"]
    for part in ticket["multipart"]["parts"]:
        begin = size * (part["partNumber"] - 1)
        assert put(part["presignedUrl"], content[begin : begin + size], {}).status_code == 200
    return person.finalize(ticket)


def by_tus(person: Person, name: str, content: bytes) -> httpx.Response:
    tus = Tus(person)
    return tus.patch(tus.created(len(content), filename=name, finalize="true"), 0, content)


def imported(person: Person, name: str, content: bytes) -> httpx.Response:
    web().pages[f"/{name}"] = content
    return person.http.post("/v1/uploads/import", json={"url": web().url(f"/{name}")})


def verdict(answer: httpx.Response) -> str:
    return "accepted" if answer.is_success else str(answer.json()["code"])


HOSTILE = [entry["file"] for entry in MANIFEST if entry["file"].startswith("hostile/")]


@pytest.mark.parametrize("file", HOSTILE)
def test_a_hostile_file_meets_the_same_verdict_on_every_way_in(ann, file):
    content, name = (CORPUS / file).read_bytes(), file.rpartition("/")[2]

    verdicts = {
        way.__name__: verdict(way(ann, name, content))
        for way in (as_form, presigned, by_tus, imported)
    }

    assert len(set(verdicts.values())) == 1, verdicts


@pytest.mark.parametrize("file", HOSTILE)
def test_and_in_parts(ann, file):
    """Only what is large comes in parts: behind its end, these files go on with nothing."""
    content, name = (CORPUS / file).read_bytes(), file.rpartition("/")[2]
    large = content + bytes(MULTIPART_FROM - len(content))

    assert verdict(in_parts(ann, name, large)) == verdict(as_form(ann, name, large))


def test_nothing_died_of_it_and_no_refused_byte_is_counted(service, ann):
    service.await_ready()
    assert ann.usage["reservedBytes"] == 0
