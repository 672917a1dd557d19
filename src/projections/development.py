"""Development: every finalized original becomes prints, once, by whichever worker is free."""

from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from domain import image
from domain.ids import AccountId, ImageId
from domain.media import Format
from domain.stream import Recorded

NAME = "development"
STREAMS = frozenset({"image"})


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """An original, developed once it has a format. Fields are columns of development.exposures."""

    id: ImageId
    owner_id: AccountId
    format: Format | None = None


class Prints(Protocol):
    """The read port of what was developed."""

    async def metadata(self, image_id: ImageId) -> dict[str, Any] | None:
        """`commands.ports.Metadata` as JSON-able values; None until developed."""
        ...


def project(exposure: Exposure | None, recorded: Recorded[Any]) -> Exposure | None:
    match recorded.event:
        case image.UploadInitiated(owner_id=owner_id):
            return Exposure(id=ImageId(recorded.stream_id), owner_id=owner_id)
        case image.UploadAborted() | image.UploadExpired() | image.UploadRefused():
            return None
        case image.ImageFinalized(format=format) if exposure:
            return replace(exposure, format=format)
    return exposure
