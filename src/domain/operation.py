"""One act upon many images, so that it can be found again and undone."""

from enum import StrEnum
from typing import TypeAlias, assert_never
from uuid import UUID

import msgspec

from domain.ids import AccountId, ImageId
from domain.refusals import Conflict, NotFound
from domain.stream import Event


class Action(StrEnum):
    DELETE = "delete"
    RESTORE = "restore"
    PURGE = "purge"
    TAG = "tag"
    UNTAG = "untag"
    VISIBILITY = "visibility"
    ALBUM = "album"
    """Put into one."""


# Events


class OperationBegun(Event, frozen=True, kw_only=True, tag="operation.begun"):
    """What became of each image is in the image's stream, under this operation's id."""

    owner_id: AccountId
    action: Action
    image_ids: tuple[ImageId, ...]


class OperationUndone(Event, frozen=True, kw_only=True, tag="operation.undone"):
    undo_id: UUID
    """The operation under whose id the compensating events stand."""


OperationEvent: TypeAlias = OperationBegun | OperationUndone

# State


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    owner_id: AccountId
    action: Action
    image_ids: tuple[ImageId, ...]
    undo_id: UUID | None = None


def evolve(operation: Operation | None, event: OperationEvent) -> Operation:
    if isinstance(event, OperationBegun):
        return Operation(owner_id=event.owner_id, action=event.action, image_ids=event.image_ids)
    assert operation is not None, "an operation stream opens with OperationBegun"
    match event:
        case OperationUndone(undo_id=undo_id):
            return msgspec.structs.replace(operation, undo_id=undo_id)
        case _:
            assert_never(event)


# Decisions


def begin(
    operation: Operation | None, *, by: AccountId, action: Action, image_ids: tuple[ImageId, ...]
) -> list[OperationEvent]:
    begun = OperationBegun(owner_id=by, action=action, image_ids=image_ids)
    if operation is None:
        return [begun]
    if (operation.owner_id, operation.action, operation.image_ids) != (by, action, image_ids):
        raise Conflict
    return []


def undo(operation: Operation | None, *, by: AccountId, undo_id: UUID) -> list[OperationEvent]:
    """As often as its owner likes: whatever has changed since is left alone."""
    if operation is None or operation.owner_id != by:
        raise NotFound
    return [] if operation.undo_id == undo_id else [OperationUndone(undo_id=undo_id)]
