"""The feed: the log for subscribers, each shown what it may see, in order and without a gap."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec

from domain import access, image_events
from domain.access import Action, Viewer, Visibility
from domain.catalogue import EVENTS, stream_of
from domain.ids import AccountId, ImageId
from domain.stream import Recorded, tag
from projections.gallery import Card
from projections.history import told


class Feed(Protocol):
    """The read port: envelopes of the log, without what people wrote."""

    async def head(self) -> int:
        """The last position; 0 of an empty log."""
        ...

    async def page(self, after: int, limit: int) -> Sequence[Recorded[Any]]:
        """Events behind `after`, oldest first."""
        ...


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Everything given must match."""

    type: str | None = None
    """A whole type, like `image.finalized`, or a stream's, like `image`."""


class Told(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One event, as subscribers get it."""

    position: int
    type: str
    at: datetime
    stream_id: str
    version: int
    actor: str | None
    """Told to those whose own event it is."""
    data: dict[str, Any]


def for_viewer(
    caller: AccountId | None,
    events: Sequence[Recorded[Any]],
    cards: Mapping[UUID, Card],
    wanted: Wanted,
    *,
    now: datetime,
) -> list[Told]:
    """Those events that the caller may see. `cards` are the images' as of the last event.

    One's own acts, and everything about one's own images and account, is shown. Of other people's
    images only what may be listed for the caller now, and of their events only those that say
    what can be seen now, too: that there is an image, that it was cleared, that it has other
    details, that it is public. When it was private, who else it was shared with, that it was in
    the trash or under suspicion, is told to nobody else. That something was lent to the caller,
    or taken back, is told to the caller.
    """
    shown = []
    for recorded in events:
        type = tag(_kind(recorded))
        if wanted.type not in (None, type, stream_of(type)):
            continue
        card = cards.get(recorded.stream_id)
        own = _own(caller, recorded, card)
        if own or _lent(caller, recorded) or _listable(caller, recorded, card, now):
            shown.append(_shown(recorded, own=own))
    return shown


def images_of(events: Sequence[Recorded[Any]]) -> set[ImageId]:
    return {ImageId(it.stream_id) for it in events if stream_of(tag(_kind(it))) == "image"}


def schemas() -> dict[str, Any]:
    """JSON Schema of `Told`, and of `data` by type."""
    data = {}
    for type, kind in sorted(EVENTS.items()):
        (_,), components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
        fields = components.pop(kind.__name__)
        for hidden in ("type", "personal", "attempt"):
            fields["properties"].pop(hidden, None)
        required = [name for name in fields.get("required", ()) if name in fields["properties"]]
        data[type] = fields | {"required": required, "$defs": components}
    return {"event": msgspec.json.schema(Told), "data": data}


def _own(caller: AccountId | None, recorded: Recorded[Any], card: Card | None) -> bool:
    if caller is None:
        return False
    owner = card.owner_id if card else None
    return caller in (recorded.by, recorded.stream_id, owner)


def _lent(caller: AccountId | None, recorded: Recorded[Any]) -> bool:
    match recorded.event:
        case (
            image_events.CollaboratorAdded(account_id=account_id)
            | image_events.CollaboratorRemoved(account_id=account_id)
        ):
            return caller == account_id
    return False


def _listable(
    caller: AccountId | None, recorded: Recorded[Any], card: Card | None, now: datetime
) -> bool:
    if card is None or not _harmless(recorded.event, card):
        return False
    viewer = Viewer(account_id=caller)
    return access.decide(viewer, Action.LIST, card.subject, now=now) is None


def _harmless(event: Any, card: Card) -> bool:
    match event:
        case image_events.ImageFinalized(visibility=visibility):
            return visibility in (Visibility.PUBLIC, card.visibility)
        case image_events.VisibilityChanged(visibility=visibility):
            return visibility is Visibility.PUBLIC
        case image_events.ImageCleared() | image_events.DetailsChanged():
            return True
    return False


def _shown(recorded: Recorded[Any], *, own: bool) -> Told:
    entry = told(recorded)
    return Told(
        position=entry.position,
        type=entry.type,
        at=entry.at,
        stream_id=entry.stream,
        version=entry.version,
        actor=entry.actor if own else None,
        data=entry.data,
    )


def _kind(recorded: Recorded[Any]) -> type:
    return type(recorded.event)
