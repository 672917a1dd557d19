"""The ShareX uploader, followed to the letter as ShareX would."""

import re
from typing import Any

import httpx

from tests.people import PHOTO, Person, sample


def shot(uploader: dict[str, Any], token: str, content: bytes) -> httpx.Response:
    headers = {
        name: re.sub(r"\{inputbox:[^}]+\}", token, value)
        for name, value in uploader["Headers"].items()
    }
    return httpx.request(
        uploader["RequestMethod"],
        uploader["RequestURL"],
        headers=headers,
        data=uploader["Arguments"],
        files={uploader["FileFormName"]: ("shot.jpg", content)},
        timeout=30,
    )


def filled(template: str, answer: httpx.Response) -> str:
    return re.sub(r"\{json:(\w+)\}", lambda match: str(answer.json()[match[1]]), template)


def test_it_uploads_and_its_link_can_be_shared(service, ann: Person):
    offered = httpx.get(f"{service.url}/v1/sharex.sxcu")
    assert offered.headers["content-disposition"] == 'attachment; filename="darkroom.sxcu"'
    assert offered.headers["content-type"].startswith("application/json")
    uploader = offered.json()
    assert uploader["DestinationType"] == "ImageUploader"
    assert uploader["Body"] == "MultipartFormData"

    answer = shot(uploader, ann.tokens["accessToken"], sample(PHOTO))

    assert answer.status_code == 201
    assert httpx.get(filled(uploader["URL"], answer)).content.startswith(b"\xff\xd8")
    assert httpx.get(filled(uploader["ThumbnailURL"], answer), timeout=30).status_code == 200


def test_it_shows_why_a_shot_was_refused(service, ann: Person):
    uploader = httpx.get(f"{service.url}/v1/sharex.sxcu").json()

    stranger = shot(uploader, "nonsense", sample(PHOTO))
    text = shot(uploader, ann.tokens["accessToken"], b"no image")

    assert "credentials" in filled(uploader["ErrorMessage"], stranger)
    assert "JPEG" in filled(uploader["ErrorMessage"], text)
