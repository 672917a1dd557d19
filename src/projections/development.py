"""Development: every finalized original becomes prints, once, by whichever worker is free."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import msgspec
from msgspec.structs import replace

from commands import object_keys
from commands.execute import Stream, execute
from commands.lab import Derivative, Development, Lab, Metadata, Traits
from commands.ports import EventStore, ObjectKey, ObjectStore, Receipt
from commands.prints import Weights
from commands.spooling import downloaded
from domain import image, image_events
from domain.ids import NOBODY, AccountId, ImageId
from domain.media import Format, Rung
from domain.refusals import QuotaExceeded
from domain.stream import Recorded

NAME = "development"
STREAMS = frozenset({"image"})


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """An original, developed once it has a format. Fields are columns of development.exposures."""

    id: ImageId
    owner_id: AccountId
    attempt: UUID | None = None
    format: Format | None = None
    width: int = 0
    height: int = 0
    frames: int = 1

    @property
    def original(self) -> ObjectKey:
        assert self.attempt is not None, "only a finalized image has an original"
        return object_keys.original(self.owner_id, self.id, self.attempt)


class Prints(Protocol):
    """The read port of what was developed."""

    async def metadata(self, image_id: ImageId) -> dict[str, Any] | None:
        """`commands.lab.Metadata` as JSON-able values; None until developed."""
        ...

    async def metadata_of(self, ids: Sequence[ImageId]) -> Mapping[ImageId, dict[str, Any]]:
        """The same of those that are developed."""
        ...

    async def traits(self, ids: Sequence[ImageId]) -> Mapping[ImageId, Traits]:
        """Of those that are developed."""
        ...


def project(exposure: Exposure | None, recorded: Recorded[Any]) -> Exposure | None:
    match recorded.event:
        case image_events.UploadInitiated(owner_id=owner_id):
            return Exposure(id=ImageId(recorded.stream_id), owner_id=owner_id)
        case event if isinstance(event, image_events.Over):
            return None
        case image_events.UploadTransferred(to=to) if exposure:
            return replace(exposure, owner_id=to)
        case image_events.ImageFinalized() as event if exposure:
            return _accepted(exposure, event)
    return exposure


def _accepted(exposure: Exposure, event: image_events.ImageFinalized) -> Exposure:
    content = event.personal
    return replace(
        exposure,
        attempt=event.attempt,
        format=event.format,
        width=content.width if content else 0,
        height=content.height if content else 0,
        frames=content.frames if content else 1,
    )


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    rung: Rung
    format: Format
    width: int
    height: int
    size: int


class Developed(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a development in the read model; the pixels are in the object store."""

    recipe: str
    placeholder: str
    scrubbed: bool
    alpha: bool
    faithful: bool
    metadata: Metadata
    variants: Sequence[Variant]
    traits: Traits


class Refined(msgspec.Struct, frozen=True, kw_only=True):
    """What was made later."""

    recipe: str
    variants: Sequence[Variant]


async def unheard(image_id: ImageId, fact: object) -> None:
    """Where nobody wants to know."""


async def fail(image_id: ImageId, code: str, *, store: EventStore) -> Receipt:
    """Safe to say again."""
    decide = partial(image.fail, code=code)
    return await execute(store, Stream(image_id, image.evolve), decide, by=NOBODY)


async def develop(
    exposure: Exposure,
    *,
    objects: ObjectStore,
    lab: Lab,
    spool: Path,
    weights: Weights,
    notice: Callable[[ImageId, int | None], Awaitable[object]] = unheard,
) -> Developed:
    """Make every print of one original and store it. Doing it again stores the same bytes.

    What the owner has no room for is not stored, the largest first: it is made for whoever asks.
    What another recipe made of it goes before.
    `notice` is told the fingerprint, before anything is kept.
    """
    async with downloaded(objects, exposure.original, spool) as path:
        made = await lab.develop(path)
    await notice(exposure.id, made.traits.fingerprint)
    await _clear_away(exposure.id, made.recipe, objects=objects, weights=weights)
    prints = _prints(exposure, made)
    sizes = {object_keys.name(key): len(body) for key, body, _ in prints}
    kept = await weights.keep(exposure.id, exposure.owner_id, sizes)
    for key, body, format in prints:
        if object_keys.name(key) in kept:
            await objects.put(key, body, content_type=format.content_type)
    await objects.delete([object_keys.incoming(exposure.id)])
    return Developed(
        recipe=made.recipe,
        placeholder=made.placeholder,
        scrubbed=made.scrubbed is not None,
        alpha=made.alpha,
        faithful=made.faithful,
        metadata=made.metadata,
        variants=[_variant(it) for it in made.derivatives],
        traits=made.traits,
    )


async def _clear_away(id: ImageId, recipe: str, *, objects: ObjectStore, weights: Weights) -> None:
    """What is cut off in between is done again with the next attempt."""
    if outgrown := await weights.outgrown(id, recipe):
        await objects.delete([object_keys.named(id, name) for name in outgrown])
        await weights.drop(id, outgrown)


def _prints(exposure: Exposure, made: Development) -> Sequence[tuple[ObjectKey, bytes, Format]]:
    """Where each is to lie and what it is, the smallest first."""
    found = [
        (object_keys.derivative(exposure.id, made.recipe, it.rung, it.format), it.body, it.format)
        for it in made.derivatives
    ]
    if made.scrubbed is not None:
        assert exposure.format is not None
        key = object_keys.scrubbed(exposure.id, made.recipe)
        found.append((key, made.scrubbed, exposure.format))
    return sorted(found, key=lambda it: len(it[1]))


async def refine(
    exposure: Exposure, *, objects: ObjectStore, lab: Lab, spool: Path, weights: Weights
) -> Refined:
    """What nobody waits for: AVIF, or GIF of what moves. What is stored is not made again.

    Raises QuotaExceeded where there is no room for it: it is tried again once there is, and not
    sent unasked until then.
    """
    format = Format.GIF if exposure.frames > 1 else Format.AVIF
    stored = objects.list(object_keys.made_by(exposure.id, lab.recipe))
    sizes = {it.key: it.size async for it in stored}
    variants, missing = list[Variant](), list[Rung]()
    for rung in Rung:
        size = sizes.get(object_keys.derivative(exposure.id, lab.recipe, rung, format))
        if size is None:
            missing.append(rung)
        else:
            variants.append(_stored(exposure, rung, format, size))
    if missing:
        async with downloaded(objects, exposure.original, spool) as path:
            for rung in missing:
                made = await lab.render(path, rung, format)
                key = object_keys.derivative(exposure.id, lab.recipe, rung, format)
                weight = {object_keys.name(key): len(made.body)}
                if not await weights.keep(exposure.id, exposure.owner_id, weight):
                    raise QuotaExceeded(requestedBytes=len(made.body))
                await objects.put(key, made.body, content_type=format.content_type)
                variants.append(_variant(made))
    return Refined(recipe=lab.recipe, variants=variants)


def _stored(exposure: Exposure, rung: Rung, format: Format, size: int) -> Variant:
    width, height = rung.fit(exposure.width, exposure.height)
    return Variant(rung=rung, format=format, width=width, height=height, size=size)


def _variant(made: Derivative) -> Variant:
    return Variant(
        rung=made.rung,
        format=made.format,
        width=made.width,
        height=made.height,
        size=len(made.body),
    )
