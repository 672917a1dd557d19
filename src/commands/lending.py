"""Lending an image to people by name, and taking it back."""

from functools import partial

import msgspec

from commands.ports import Clock, EventStore, Receipt
from commands.surroundings import execute_amid
from domain import lending
from domain.access import Permission
from domain.ids import AccountId, ImageId


class AddCollaborator(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    image_id: ImageId
    account_id: AccountId
    permissions: frozenset[Permission]


class RemoveCollaborator(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    image_id: ImageId
    account_id: AccountId


async def add_collaborator(command: AddCollaborator, *, store: EventStore, now: Clock) -> Receipt:
    decide = partial(
        lending.add_collaborator,
        by=command.by,
        account_id=command.account_id,
        permissions=command.permissions,
        now=now(),
    )
    return await execute_amid(store, command.image_id, decide, by=command.by)


async def remove_collaborator(
    command: RemoveCollaborator, *, store: EventStore, now: Clock
) -> Receipt:
    decide = partial(
        lending.remove_collaborator, by=command.by, account_id=command.account_id, now=now()
    )
    return await execute_amid(store, command.image_id, decide, by=command.by)
