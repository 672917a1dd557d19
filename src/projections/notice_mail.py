"""Notices by mail: what a letter is to say of each kind."""

from typing import Any
from uuid import UUID

from commands.mail import Letter, Occasion
from commands.ports import EventStore
from domain import account, image_events, organization
from domain.account import Account
from domain.account_marks import NewDeviceSeen, QuotaThresholdReached
from domain.album import AlbumLent
from domain.ids import AccountId, to_text
from domain.organization import RoomRanShort
from domain.stream import Recorded, fold
from domain.webhook import Cause, DeliveryAbandoned, WebhookDisabled
from projections.notices import Notice, reader, reason


async def written(
    notice: Notice, recorded: Recorded[Any], to: Account, store: EventStore
) -> Letter | None:
    """However often it is written, it is sent once.

    None where its reader said no to its kind there, and of an invitation: that is mailed with its
    token, to whoever has the address.
    """
    occasion = Occasion(notice.kind.value)
    if occasion is Occasion.INVITATION or not account.wants(to, occasion, "mail"):
        return None
    facts = await _facts(notice, recorded, store)
    return Letter(id=notice.id, occasion=occasion, address=to.email, facts=facts)


async def _facts(notice: Notice, recorded: Recorded[Any], store: EventStore) -> dict[str, str]:
    match recorded.event:
        case QuotaThresholdReached(percent=percent):
            return {"percent": str(percent), "whose": "your"}
        case RoomRanShort(percent=percent):
            return {"percent": str(percent), "whose": await _named(notice.stream_id, store)}
        case NewDeviceSeen(personal=device):
            return {
                "address": (device and device.address) or "an unknown address",
                "agent": (device and device.agent) or "an unknown program",
                "at": f"{recorded.at:%Y-%m-%d %H:%M} UTC",
            }
        case AlbumLent() | image_events.CollaboratorAdded() | image_events.ShareLinkCreated():
            giver = await reader(AccountId(recorded.by), store)
            thing = "an album" if isinstance(recorded.event, AlbumLent) else "an image"
            return {"somebody": giver.username if giver else "somebody", "thing": thing}
        case DeliveryAbandoned() | WebhookDisabled() as event:
            return {"webhook": to_text("whk", notice.stream_id), "trouble": _trouble(event)}
    return {"image": to_text("img", notice.stream_id), "reason": reason(recorded.event) or ""}


async def _named(organization_id: UUID, store: EventStore) -> str:
    state = fold(organization.evolve, await store.load(organization_id))
    return f"{state.name}'s" if state and state.name else "your organization's"


def _trouble(event: DeliveryAbandoned | WebhookDisabled) -> str:
    if isinstance(event, DeliveryAbandoned):
        return f"could not be told of the event at position {event.position}, tried for long"
    return {
        Cause.GONE: "said that it is gone, and is told nothing any more",
        Cause.FAILING: "failed for so long that it is told nothing any more",
    }[event.cause]
