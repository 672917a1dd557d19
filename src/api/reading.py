"""What clients sent, read: as JSON, field by field, and as the domain keeps it."""

import re
import unicodedata
from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.exceptions import ClientException

from api.bodies import Body, Describing
from domain.image_events import Details
from domain.refusals import Validation

B = TypeVar("B", bound=msgspec.Struct)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What has no place in one line of text, or turns the letters around it."""


class JsonRequest(Request[Any, Any, Any]):
    async def json(self) -> Any:
        return parsed(await self.body())


def parsed(raw: bytes) -> Any:
    """Any JSON. Raises ClientException, also for the bytes and depths that the decoder fails at."""
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        raise ClientException(str(error)) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise ClientException("JSON is malformed: not UTF-8, or nested too deep") from error


def converted(value: Any, kind: type[B]) -> B:
    """What a client sent as `kind`. Raises Validation with every bad field."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise Validation(errors=complaints(value, kind)) from error


def complaints(value: Any, kind: Any) -> list[dict[str, str]]:
    """What is wrong with each field; msgspec itself stops at the first."""
    if not (isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, Body)):
        return [{"field": "", "message": "must be a JSON object"}]
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    found = [_complaint(name, "is not known") for name in value if name not in fields]
    for name, field in fields.items():
        if name in value:
            try:
                msgspec.convert(value[name], field.type)
            except msgspec.ValidationError as error:
                found.append(_complaint(name, str(error)))
        elif field.required:
            found.append(_complaint(name, "is missing"))
    return found


def _complaint(field: str, message: str) -> dict[str, str]:
    return {"field": field, "message": message}


def details(said: Describing) -> Details:
    """As the domain keeps it: NFC, no control characters, tags trimmed and once each."""
    errors: list[dict[str, str]] = []

    def clean(field: str, text: str) -> str:
        if _CONTROL.search(text):
            errors.append(_complaint(field, "holds control characters"))
        return unicodedata.normalize("NFC", text)

    tags = None
    if said.tags is not None:
        tags = tuple(dict.fromkeys(t for tag in said.tags if (t := clean("tags", tag).strip())))
    custom = None
    if said.custom is not None:
        custom = {clean("custom", k): clean("custom", v) for k, v in said.custom.items()}
    found = Details(
        title=None if said.title is None else clean("title", said.title),
        description=None if said.description is None else clean("description", said.description),
        tags=tags,
        custom=custom,
    )
    if errors:
        raise Validation(errors=errors)
    return found


def line(field: str, text: str) -> str:
    """One line of text, NFC. Raises Validation."""
    if _UNSEEN.search(text) or not text.strip():
        raise Validation.of(field, "must be one line of visible text")
    return unicodedata.normalize("NFC", text.strip())


def clean(field: str, text: str) -> str:
    """One text as the domain keeps it. Raises Validation."""
    if _CONTROL.search(text):
        raise Validation.of(field, "holds control characters")
    return unicodedata.normalize("NFC", text)


def file_name(name: str) -> str:
    """A name without folders and control characters; it is shown, never used as a path."""
    bare = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    return _UNSEEN.sub("", bare).strip()[:255].strip() or "image"
