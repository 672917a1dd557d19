"""What can be done to an image that is here."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial, reduce

import msgspec

from commands.ports import Clock, EventStore, NewId, Receipt
from commands.share_links import SharePasswords
from commands.surroundings import execute_amid
from domain import account, image, lending
from domain.access import Permission, Visibility
from domain.ids import AccountId, ImageId, ShareId
from domain.image import Image
from domain.image_events import Details, ImageEvent
from domain.stream import fold


class ChangeImage(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    image_id: ImageId
    details: Details = Details()
    visibility: Visibility | None = None
    expected: frozenset[int] | None = None


class DeleteImage(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    image_id: ImageId
    expected: frozenset[int] | None = None


class RestoreImage(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    image_id: ImageId


class ShareImage(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    image_id: ImageId
    permissions: frozenset[Permission]
    expires_in: timedelta
    shared_with: AccountId | None = None
    password: str | None = None
    share_id: ShareId | None = None
    """Given where a repeated request must find what it made."""


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    share_id: ShareId
    expires_at: datetime
    receipt: Receipt


class RevokeShare(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    image_id: ImageId
    share_id: ShareId


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How long what was deleted can be restored."""

    default: timedelta
    by_plan: Mapping[str, timedelta] = {}

    async def of(self, account_id: AccountId, store: EventStore) -> timedelta:
        if not self.by_plan:
            return self.default
        owner = fold(account.evolve, await store.load(account_id))
        return self.by_plan.get(owner.plan if owner else "", self.default)


async def change_image(command: ChangeImage, *, store: EventStore, now: Clock) -> Receipt:
    decide = partial(_changes, command=command, now=now())
    return await execute_amid(
        store, command.image_id, decide, by=command.by, expected=command.expected
    )


async def delete_image(
    command: DeleteImage, *, store: EventStore, now: Clock, retention: Retention
) -> Receipt:
    kept = await retention.of(command.by, store)
    decide = partial(image.soft_delete, by=command.by, now=now(), retention=kept)
    return await execute_amid(
        store, command.image_id, decide, by=command.by, expected=command.expected
    )


async def restore_image(command: RestoreImage, *, store: EventStore, now: Clock) -> Receipt:
    decide = partial(image.restore, by=command.by, now=now())
    return await execute_amid(store, command.image_id, decide, by=command.by)


async def share_image(
    command: ShareImage,
    *,
    store: EventStore,
    now: Clock,
    new_id: NewId,
    passwords: SharePasswords,
) -> Shared:
    """A link whose password is not kept yet opens to nobody: so the event comes first."""
    share_id = command.share_id or ShareId(new_id())
    expires_at = now() + command.expires_in
    decide = partial(
        lending.share,
        by=command.by,
        share_id=share_id,
        permissions=command.permissions,
        expires_at=expires_at,
        shared_with=command.shared_with,
        has_password=command.password is not None,
        now=now(),
    )
    receipt = await execute_amid(store, command.image_id, decide, by=command.by)
    if command.password is not None:
        await passwords.keep(share_id, command.image_id, command.password)
    if receipt.position is None:
        state = fold(image.evolve, await store.load(command.image_id))
        assert state is not None
        expires_at = state.shares[share_id].expires_at
    return Shared(share_id=share_id, expires_at=expires_at, receipt=receipt)


async def revoke_share(
    command: RevokeShare, *, store: EventStore, now: Clock, passwords: SharePasswords
) -> Receipt:
    decide = partial(lending.revoke_share, by=command.by, share_id=command.share_id, now=now())
    receipt = await execute_amid(store, command.image_id, decide, by=command.by)
    await passwords.forget(command.share_id)
    return receipt


def _changes(state: Image | None, *, command: ChangeImage, now: datetime) -> Sequence[ImageEvent]:
    """Both decisions of one request, the second on what the first leads to."""
    events: list[ImageEvent] = []
    if command.visibility is None or command.details != Details():
        events = image.change_details(state, by=command.by, details=command.details, now=now)
    if command.visibility is None:
        return events
    state = reduce(image.evolve, events, state)
    return events + image.change_visibility(state, by=command.by, to=command.visibility, now=now)
