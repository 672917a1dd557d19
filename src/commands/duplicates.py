"""The same bytes of the same owner once more: where the owner wants it so, one image keeps them."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from commands.execute import ATTEMPTS, Stream, execute_together
from commands.ports import EventStore, Guard, Hasher, Receipt, StreamMoved
from domain import claim, image
from domain.claim import Claim
from domain.ids import AccountId, ImageId
from domain.image_events import ImageEvent, ImageFinalized
from domain.stream import fold


class Twins(Protocol):
    async def oldest(self, owner_id: AccountId, checksum: str, besides: ImageId) -> ImageId | None:
        """The owner's oldest live image with these bytes, as far as the read model knows."""
        ...


async def finalize_once(
    decide: Callable[..., list[ImageEvent]],
    *,
    image_id: ImageId,
    by: AccountId,
    checksum: str,
    store: EventStore,
    hasher: Hasher,
    twins: Twins,
    guards: Callable[[Any, Any], Sequence[Guard]],
) -> Receipt:
    """Finalize, unless a live image of the owner holds these bytes.

    `decide` is told that image as `twin`. Of two at once, both want the claim on the bytes: the
    later one looks again, and finds the earlier.
    """
    claimed = Stream(hasher.claim_id("bytes", f"{by.hex}/{checksum}"), claim.evolve)
    for _ in range(ATTEMPTS):
        seen = fold(claim.evolve, await store.load(claimed.id))
        twin = await _keeper(seen, image_id, store) or await twins.oldest(by, checksum, image_id)

        def decided(
            states: Sequence[Any], seen: Claim | None = seen, twin: ImageId | None = twin
        ) -> list[Any]:
            before, found = states
            if found != seen:
                raise StreamMoved
            events = decide(before, twin=twin)
            new = any(isinstance(event, ImageFinalized) for event in events)
            return [events, claim.keep(found, by=by, image_id=image_id) if new else []]

        try:
            return await execute_together(
                store, [Stream(image_id, image.evolve), claimed], decided, by=by, guards=guards
            )
        except StreamMoved:
            continue
    raise StreamMoved


async def _keeper(claimed: Claim | None, besides: ImageId, store: EventStore) -> ImageId | None:
    """The image that claimed the bytes, if it is another and still there for everybody."""
    if claimed is None or claimed.image_id in (None, besides):
        return None
    state = fold(image.evolve, await store.load(claimed.image_id))
    return claimed.image_id if state and state.live else None
