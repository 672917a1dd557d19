"""One image, for whoever may see it: asked for by every route that is about one."""

from typing import Any

from api import surroundings
from api.identifiers import image_id
from api.identity import AnyRequest, administrates, viewer
from api.parts import Parts
from commands.credentials import Bearer
from domain import access, image
from domain.access import Action, Viewer
from domain.ids import AccountId, ImageId
from domain.refusals import ImageQuarantined, ImageTakenDown, NotFound
from domain.stream import Recorded, fold
from projections.gallery import Exhibit


async def visible(
    request: AnyRequest, parts: Parts, caller: AccountId | None, id: str, action: Action
) -> Exhibit:
    """The image, if whoever asks may do `action` with it. Raises the policy's refusal."""
    asked = image_id(id)
    exhibit = await parts.gallery.find(asked)
    asking = viewer(request, parts, caller, asked)
    subject = await surroundings.subject(parts, exhibit.card, asking, action) if exhibit else None
    access.require(asking, action, subject, now=parts.clock())
    if exhibit is None or exhibit.card.deleted_at:
        raise NotFound
    return exhibit


async def described(
    request: AnyRequest, parts: Parts, caller: AccountId | None, id: str
) -> Exhibit:
    """As `visible`; but of what is closed to everybody, its owner still sees what it was."""
    try:
        return await visible(request, parts, caller, id, Action.VIEW)
    except (ImageQuarantined, ImageTakenDown):
        return await visible(request, parts, caller, id, Action.MANAGE)


async def still_allowed(parts: Parts, viewer: Viewer, id: ImageId, action: Action) -> bool:
    """Whether what was allowed is so by now."""
    exhibit = await parts.gallery.find(id)
    subject = await surroundings.subject(parts, exhibit.card, viewer, action) if exhibit else None
    return access.decide(viewer, action, subject, now=parts.clock()) is None


async def overseen(parts: Parts, id: ImageId, bearer: Bearer) -> list[Recorded[Any]]:
    """Its history, for its owner, whatever became of it, and for administrators. Raises NotFound
    to all others: they cannot tell it from what never was."""
    history = list(await parts.store.load(id))
    state = fold(image.evolve, history)
    if state is None or not (
        bearer.account_id in await surroundings.owners(parts, state)
        or await administrates(parts, bearer)
    ):
        raise NotFound
    return history
