"""Every event there is, by the tag it is stored under."""

from typing import Any, get_args, get_type_hints

from domain.abuse_report import ReportEvent
from domain.account import AccountEvent
from domain.album import AlbumEvent
from domain.block import BlockEvent
from domain.claim import ClaimEvent
from domain.image_events import ImageEvent
from domain.operation import OperationEvent
from domain.organization import OrganizationEvent
from domain.statement import StatementEvent
from domain.stream import Event, Personal, tag
from domain.upkeep import UpkeepEvent
from domain.webhook import WebhookEvent

_STREAMS = (
    *(AccountEvent, AlbumEvent, BlockEvent, ClaimEvent, ImageEvent, OperationEvent),
    *(OrganizationEvent, ReportEvent, StatementEvent, UpkeepEvent, WebhookEvent),
)
EVENTS: dict[str, type[Event]] = {tag(kind): kind for union in _STREAMS for kind in get_args(union)}


def stream_of(event_tag: str) -> str:
    """`image` of `image.finalized`."""
    return event_tag.partition(".")[0]


def _personal(kind: type[Event]) -> type[Personal] | None:
    hint: Any = get_type_hints(kind).get("personal")
    return next((part for part in get_args(hint) if part is not type(None)), None)


PERSONAL: dict[str, type[Personal]] = {
    name: part for name, kind in EVENTS.items() if (part := _personal(kind))
}
"""The type of the sealed part of those events that have one."""
