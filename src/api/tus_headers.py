"""The headers of tus 1.0.0, read and written."""

import base64
import binascii
import re
from datetime import datetime
from email.utils import format_datetime
from typing import Any

import msgspec
from litestar.exceptions import ClientException

from api.bodies import Arriving, Body, Sha256
from api.reading import converted, file_name
from commands.receiving import Checksum
from domain.refusals import Validation

ALGORITHMS = ("sha1", "sha256")
CONTENT_TYPE = "application/offset+octet-stream"
UNKNOWN_TYPE = "application/octet-stream"

_NUMBER = re.compile(r"\d{1,15}")
_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}", re.ASCII)


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a client says of a file before it sends it."""

    filename: str
    content_type: str
    sha256: str | None
    finalize: bool
    describing: Arriving


class _Declared(Body, kw_only=True):
    sha256: Sha256 | None = None


def number(headers: Any, name: str) -> int:
    """Raises ClientException (400) unless it is a non-negative integer."""
    text = headers.get(name)
    if text is None or not _NUMBER.fullmatch(text):
        raise ClientException(f"{name} must be a non-negative integer")
    return int(text)


def checksum(header: str | None) -> Checksum | None:
    """Raises ClientException (400) for what we cannot verify."""
    if header is None:
        return None
    algorithm, _, digest = header.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise ClientException(f"Upload-Checksum: only {', '.join(ALGORITHMS)} are supported")
    try:
        return Checksum(algorithm=algorithm, digest=base64.b64decode(digest, validate=True))
    except binascii.Error as error:
        raise ClientException("Upload-Checksum is not base64") from error


def date(moment: datetime) -> str:
    """An IMF-fixdate (RFC 9110)."""
    return format_datetime(moment, usegmt=True)


def pairs(header: str) -> dict[str, str]:
    """Upload-Metadata taken apart. Raises Validation."""
    found: dict[str, str] = {}
    for pair in header.split(",") if header.strip() else ():
        key, _, value = pair.strip().partition(" ")
        if not key or not key.isascii():
            raise _invalid("has a key that is empty or not ASCII")
        if key in found:
            raise _invalid(f"has the key {key} twice")
        try:
            found[key] = base64.b64decode(value.strip(), validate=True).decode()
        except ValueError as error:  # of base64 and of UTF-8
            raise _invalid(f"has a value that is not UTF-8 in base64: {key}") from error
    return found


def said(header: str) -> Said:
    """Fields that we do not know are none of our business. Raises Validation."""
    given = pairs(header)
    declared = converted({"sha256": given.get("sha256") or None}, _Declared)
    content_type = given.get("filetype") or given.get("type") or UNKNOWN_TYPE
    return Said(
        filename=file_name(given.get("filename") or given.get("name") or ""),
        content_type=content_type if _TYPE.fullmatch(content_type) else UNKNOWN_TYPE,
        sha256=declared.sha256,
        finalize=given.get("finalize", "false").lower() in ("true", "1", ""),
        describing=_described(given),
    )


def _described(given: dict[str, str]) -> Arriving:
    names = ("title", "description", "visibility", "albumId")
    described: dict[str, Any] = {name: given[name] for name in names if given.get(name)}
    if "tags" in given:
        tags = [tag.strip() for tag in given["tags"].split(",")]
        described["tags"] = [tag for tag in tags if tag]
    if given.get("custom"):
        try:
            described["custom"] = msgspec.json.decode(given["custom"])
        except msgspec.DecodeError as error:
            message = "must be a JSON object"
            raise Validation.of("custom", message) from error
    return converted(described, Arriving)


def _invalid(message: str) -> Validation:
    return Validation.of("Upload-Metadata", message)
