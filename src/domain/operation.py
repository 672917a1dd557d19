"""One act upon many images, or a return to an earlier moment: found again, and undone."""

from enum import StrEnum
from typing import TypeAlias, assert_never
from uuid import UUID

import msgspec

from domain.ids import AccountId, AlbumId, ImageId
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


class RestoringBegun(Event, frozen=True, kw_only=True, tag="operation.restoring-begun"):
    """An album, or without one all that its owner has, goes back to how it was. What became of each
    thing is in the thing's stream, under this operation's id."""

    owner_id: AccountId
    album_id: AlbumId | None = None
    image_ids: tuple[ImageId, ...] = ()
    """Those in the album that are not its owner's."""


class OperationUndone(Event, frozen=True, kw_only=True, tag="operation.undone"):
    undo_id: UUID
    """The operation under whose id the compensating events stand."""


OperationEvent: TypeAlias = OperationBegun | RestoringBegun | OperationUndone

# State


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    owner_id: AccountId
    action: Action | None = None
    """None of a return to an earlier moment."""
    album_id: AlbumId | None = None
    image_ids: tuple[ImageId, ...]
    undo_id: UUID | None = None


def evolve(operation: Operation | None, event: OperationEvent) -> Operation:
    match event:
        case OperationBegun(owner_id=owner_id, action=action, image_ids=image_ids):
            return Operation(owner_id=owner_id, action=action, image_ids=image_ids)
        case RestoringBegun(owner_id=owner_id, album_id=album_id, image_ids=image_ids):
            return Operation(owner_id=owner_id, album_id=album_id, image_ids=image_ids)
    assert operation is not None, "an operation stream opens with what has begun"
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


def begin_restoring(
    operation: Operation | None,
    *,
    by: AccountId,
    album_id: AlbumId | None = None,
    image_ids: tuple[ImageId, ...] = (),
) -> list[OperationEvent]:
    if operation is None:
        return [RestoringBegun(owner_id=by, album_id=album_id, image_ids=image_ids)]
    if (operation.owner_id, operation.action, operation.album_id) != (by, None, album_id):
        raise Conflict
    return []


def undo(operation: Operation | None, *, by: AccountId, undo_id: UUID) -> list[OperationEvent]:
    """As often as its owner likes: whatever has changed since is left alone."""
    if operation is None or operation.owner_id != by:
        raise NotFound
    return [] if operation.undo_id == undo_id else [OperationUndone(undo_id=undo_id)]
