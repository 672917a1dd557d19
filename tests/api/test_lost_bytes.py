"""What the object store has lost is refused as what it is: by the log it is there."""

import asyncio

import httpx
import pytest

from adapters.data_folder import DataFolder
from bootstrap import Core
from commands import object_keys
from domain.ids import from_text
from settings import load
from tests.people import PHOTO, refused, sample


@pytest.fixture
def robbed(service, ann):
    """A public image without a byte in the store."""
    image = ann.developed(ann.upload(sample(PHOTO), visibility="public"))
    id = from_text("img", image["imageId"])

    async def rob() -> None:
        core = Core(load(DataFolder(service.data).endpoints()))
        async with core.opened():
            for prefix in (
                object_keys.originals(from_text("u", ann.id), id),
                f"derivatives/{id.hex}",
            ):
                keys = [it.key async for it in core.objects.list(prefix)]
                assert keys
                await core.objects.delete(keys)

    asyncio.run(rob())
    return image


def test_a_lost_original_is_refused_not_an_accident(ann, anyone, robbed):
    for http in (ann.http, anyone):
        for rendering in ("", "/original.jpg", "/thumb.webp", "/small.auto", "/medium.png"):
            answer: httpx.Response = http.get(robbed["url"] + rendering)
            problem = refused(answer, 503, "bytes_missing")
            assert problem["title"]
            assert answer.headers["retry-after"]
            assert answer.headers["cache-control"] == "no-store"
