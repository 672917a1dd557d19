"""Where bytes lie in the object store."""

import re
from uuid import UUID

from commands.ports import ObjectKey
from domain.ids import AccountId, ImageId
from domain.media import Format, Rung

QUARANTINE = "quarantine/"
"""The prefix of what an inspection found that no event refers to, by the day on which it did."""


def incoming(image_id: ImageId) -> ObjectKey:
    """Where a client may put bytes, once."""
    return ObjectKey(f"incoming/{image_id.hex}")


def tail(image_id: ImageId, number: int) -> ObjectKey:
    """Bytes that came to us and are too few for a part; written once."""
    return ObjectKey(f"{incoming(image_id)}.{number}")


def original(owner_id: AccountId, image_id: ImageId, attempt: UUID) -> ObjectKey:
    """Written once, by one attempt to finalize; no presigned URL ever names it.

    So what was proven stays as it was proven, whatever a second attempt does meanwhile.
    """
    return ObjectKey(f"{originals(owner_id, image_id)}{attempt.hex}")


def originals(owner_id: AccountId, image_id: ImageId) -> str:
    """The prefix of what every attempt to finalize proved."""
    return f"originals/{owner_id.hex}/{image_id.hex}/"


def owner(key: ObjectKey) -> AccountId:
    """Whose an original is."""
    return AccountId(UUID(key.split("/")[1]))


def derivatives(image_id: ImageId) -> str:
    """The prefix of every print of an image."""
    return f"derivatives/{image_id.hex}/"


def made_by(image_id: ImageId, recipe: str) -> str:
    """The prefix of those of one recipe."""
    return f"{derivatives(image_id)}{recipe}/"


def derivative(image_id: ImageId, recipe: str, rung: Rung, format: Format) -> ObjectKey:
    return ObjectKey(f"{made_by(image_id, recipe)}{rung}.{format.extension}")


def named(image_id: ImageId, name: str) -> ObjectKey:
    """The print that is called so."""
    return ObjectKey(f"{derivatives(image_id)}{name}")


def name(key: ObjectKey) -> str:
    """What a print is called among those of its image: the rest of its key."""
    return key.split("/", 2)[2]


def scrubbed(image_id: ImageId, recipe: str) -> ObjectKey:
    """The original without its whereabouts."""
    return ObjectKey(f"{made_by(image_id, recipe)}scrubbed")


def whose(key: ObjectKey) -> ImageId | None:
    """The image that a key speaks of; None if the key is none of ours."""
    match = _OURS.fullmatch(key)
    return ImageId(UUID(match[1] or match[2] or match[3])) if match else None


_ID = "([0-9a-f]{32})"
_OURS = re.compile(
    f"incoming/{_ID}(?:[./].*)?|originals/[0-9a-f]{{32}}/{_ID}/[0-9a-f]{{32}}|derivatives/{_ID}/.+"
)
