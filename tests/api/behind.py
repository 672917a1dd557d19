"""What no request can write: images that no scanner has come to, or that one has stopped."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

from adapters.data_folder import DataFolder
from bootstrap import Core
from commands import object_keys
from commands.ports import Batch
from domain.access import Visibility
from domain.ids import AccountId, ImageId, from_text
from domain.image_events import ImageFinalized, ImageQuarantined
from domain.media import Content, Format
from settings import load
from tests.people import Person, eventually, expect


def quarantined(owner: Person, id: str) -> None:
    asyncio.run(_append(owner, id, ImageQuarantined(scanner="matrix", finding="Eicar")))


def unscanned(owner: Person, content: bytes, said: dict[str, Any]) -> str:
    """Accepted, but not cleared: a scanner has not come to it yet. Returns its id."""
    ticket = owner.initiate(content)
    id = str(ticket["uploadId"]).replace("upl_", "img_")
    assert owner.put(ticket, content).status_code == 200
    accepted = ImageFinalized(
        attempt=uuid4(),
        format=Format.PNG,
        size=len(content),
        visibility=Visibility.PRIVATE,
        personal=Content(checksum="0" * 64, width=2, height=2, frames=1),
    )

    async def kept() -> None:
        await _append(owner, id, accepted)
        await _keep(owner, id, accepted.attempt, content)

    asyncio.run(kept())
    eventually(lambda: owner.http.get(f"/v1/images/{id}").status_code == 200)
    described = {name: said[name] for name in ("title", "custom")}
    expect(owner.http.patch(f"/v1/images/{id}", json=described), 200)
    return id


async def _keep(person: Person, id: str, attempt: UUID, content: bytes) -> None:
    """Its bytes, once the desk was told to leave it alone."""
    core = Core(load(DataFolder(person.service.data).endpoints()))
    image, owner = from_text("img", id), from_text("u", person.id)
    assert image
    assert owner
    late = "update scanning.suspects set not_before = 'infinity' where id = %s returning 1"
    async with core.opened():
        while not await core.database.rows(late, (image,)):  # noqa: ASYNC110 - in the database
            await asyncio.sleep(0.05)
        key = object_keys.original(AccountId(owner), ImageId(image), attempt)
        await core.objects.put(key, content, content_type="image/png")


async def _append(person: Person, id: str, event: Any) -> None:
    core = Core(load(DataFolder(person.service.data).endpoints()))
    async with core.opened():
        stream, by = from_text("img", id), from_text("u", person.id)
        assert stream
        assert by
        if isinstance(event, ImageFinalized):
            key = object_keys.original(AccountId(by), ImageId(stream), event.attempt)
            await core.objects.copy(object_keys.incoming(ImageId(stream)), key)
        after = len(await core.store.load(stream))
        batch = Batch(stream_id=stream, after=after, events=[event])
        await core.store.append([batch], by=AccountId(by))
