"""Where a list by time goes on: the last row that was shown."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

import msgspec
from msgspec import Meta

from domain.refusals import Validation


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    at: Annotated[datetime, Meta(tz=True)]
    id: UUID

    @property
    def text(self) -> str:
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises Validation."""
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            return msgspec.json.decode(raw, type=cls)
        except (binascii.Error, ValueError, RecursionError) as error:
            wrong = {"field": "cursor", "message": "is not one of ours"}
            raise Validation(errors=[wrong]) from error
