"""Where a list goes on, in one word that says nothing to whoever is given it."""

import base64
import binascii
from typing import Any, TypeVar

import msgspec

from domain.refusals import Validation

T = TypeVar("T")


def written(place: Any) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read(cursor: str, kind: type[T]) -> T:
    """Raises Validation for what is none of ours."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.json.decode(raw, type=kind)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise Validation.of("cursor", "is not one of ours") from error
