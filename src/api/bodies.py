"""What clients may send: every field named, bounded and cleaned."""

import re
import unicodedata
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from litestar import Request
from litestar.exceptions import ClientException
from msgspec import Meta

from domain.access import Permission, Visibility
from domain.account import Duplicates
from domain.image_events import Details
from domain.many import MOST_TAGS
from domain.refusals import Validation

B = TypeVar("B", bound=msgspec.Struct)

MAX_BODY = 1_000_000
"""Bytes of a JSON body; forms have limits of their own."""
MAX_TAGS, MAX_TAG = MOST_TAGS, 64
MAX_CUSTOM, MAX_CUSTOM_VALUE = 50, 500
MAX_BATCH = 100

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What has no place in one line of text, or turns the letters around it."""

Text = Annotated[str, Meta(max_length=5_000)]
Title = Annotated[str, Meta(max_length=300)]
Tag = Annotated[str, Meta(min_length=1, max_length=MAX_TAG)]
Tags = Annotated[list[Tag], Meta(max_length=MAX_TAGS)]
CustomKey = Annotated[str, Meta(min_length=1, max_length=64)]
CustomValue = Annotated[str, Meta(max_length=MAX_CUSTOM_VALUE)]
Custom = Annotated[dict[CustomKey, CustomValue], Meta(max_length=MAX_CUSTOM)]
# `$` alone also matches before a last line feed.
Username = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{3,32}(?!\n)$")]
Email = Annotated[
    str, Meta(pattern=r"^[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,190}(?!\n)$")
]
Password = Annotated[str, Meta(min_length=8, max_length=1_024)]
LinkPassword = Annotated[str, Meta(min_length=1, max_length=1_024)]
GivenPassword = Annotated[str, Meta(max_length=1_024)]
Code = Annotated[str, Meta(max_length=40)]
"""Of the second factor, or to recover it."""
Reason = Annotated[str, Meta(min_length=1, max_length=1_000)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}(?!\n)$")]
ContentType = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.+-]{1,60}/[A-Za-z0-9_.+-]{1,60}(?!\n)$")]
Notice = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,40}(?!\n)$")]
Seconds = Annotated[int, Meta(ge=1, le=31_536_000)]


class Body(msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A JSON object that a client sends."""


class NewAccount(Body, kw_only=True):
    username: Username
    email: Email
    password: Password


class Credentials(Body, kw_only=True):
    email: Annotated[str, Meta(max_length=320)]
    password: GivenPassword
    code: Code | None = None


class PasswordOnly(Body, kw_only=True):
    password: GivenPassword


class NewPassword(Body, kw_only=True):
    password: GivenPassword
    new_password: Password


class EmailOnly(Body, kw_only=True):
    email: Email


class MailedToken(Body, kw_only=True):
    token: Annotated[str, Meta(max_length=200)]


class PasswordReset(MailedToken, kw_only=True):
    new_password: Password


class FactorCode(Body, kw_only=True):
    code: Code


class FactorDropped(Body, kw_only=True):
    password: GivenPassword
    code: Code


class NewOperation(Body, kw_only=True):
    action: Literal["delete", "restore", "purge", "tag", "untag", "visibility", "album"]
    image_ids: Annotated[list[str], Meta(min_length=1)]
    tags: Annotated[list[Tag], Meta(min_length=1, max_length=MAX_TAGS)] | None = None
    visibility: Visibility | None = None
    album_id: str | None = None
    dry_run: bool = False


class NewRestoring(Body, kw_only=True):
    at: Annotated[str, Meta(min_length=1, max_length=60)] | Annotated[int, Meta(ge=0, le=2**62)]
    dry_run: bool = False


class NewWebhook(Body, kw_only=True):
    url: Annotated[str, Meta(min_length=1, max_length=2_000)]
    description: Annotated[str, Meta(max_length=300)] = ""
    types: Annotated[list[Annotated[str, Meta(max_length=100)]], Meta(max_length=50)] = []
    album_id: str | None = None


class NewRedelivery(Body, kw_only=True):
    from_: Annotated[int, Meta(ge=1, le=2**62)] = msgspec.field(name="from")


class Because(Body, kw_only=True):
    reason: Reason


class Claim(Body, kw_only=True):
    """Who claims a right in an image, and which."""

    claimant: Annotated[str, Meta(max_length=200)] = ""
    work: Annotated[str, Meta(max_length=1_000)] = ""
    url: Annotated[str, Meta(max_length=2_000)] = ""


class NewTakedown(Because, kw_only=True):
    notice: Claim | None = None


class NewCounter(Body, kw_only=True):
    statement: Annotated[str, Meta(min_length=1, max_length=5_000)]


class NewRescan(Because, kw_only=True):
    since: datetime | None = None
    cursor: Annotated[str, Meta(max_length=40)] | None = None


class UserChanges(Because, kw_only=True):
    plan: Annotated[str, Meta(max_length=100)] | None = None
    quota_bytes: Annotated[int, Meta(ge=0, le=2**62)] | None = None


class NewApiKey(Body, kw_only=True):
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    scopes: Annotated[tuple[Literal["read", "write", "admin"], ...], Meta(min_length=1)]
    expires_in: Seconds | None = None


class NewUploadToken(Body, kw_only=True):
    number: Annotated[int, Meta(ge=1, le=10_000)] = 1
    max_size: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    type: (
        Literal["image/jpeg", "image/png", "image/gif", "image/webp", "image/heic", "image/avif"]
        | None
    ) = None
    album_id: str | None = None
    expires_in: Annotated[int, Meta(ge=1, le=90 * 86_400)] = 86_400


class RefreshToken(Body, kw_only=True):
    refresh_token: Annotated[str, Meta(max_length=200)]


class AccountChanges(Body, kw_only=True):
    username: Username | None = None
    default_visibility: Visibility | None = None
    keep_gps: bool | None = None
    notify: Annotated[dict[Notice, bool], Meta(max_length=50)] | None = None
    duplicates: Duplicates | None = None


class NewUpload(Body, kw_only=True):
    filename: Annotated[str, Meta(min_length=1, max_length=255)]
    size: Annotated[int, Meta(ge=1, le=2**53)]
    content_type: ContentType
    sha256: Sha256 | None = None
    album_id: str | None = None
    """Where it is to go: a team's album takes it on the organization's quota."""


class NewUploads(Body, kw_only=True):
    uploads: list[Any]


class Describing(Body, kw_only=True):
    """What people may say of an image; absent leaves it as it is."""

    title: Title | None = None
    description: Text | None = None
    tags: Tags | None = None
    visibility: Visibility | None = None
    custom: Custom | None = None


class Arriving(Describing, kw_only=True):
    """What people may say of an image as it comes."""

    album_id: str | None = None


class NewImage(Arriving, kw_only=True):
    upload_id: str


class NewImages(Body, kw_only=True):
    images: list[Any]


class NewShare(Body, kw_only=True):
    expires_in: Seconds = 7 * 86_400
    permissions: Annotated[tuple[Permission, ...], Meta(min_length=1)] = (Permission.VIEW,)
    shared_with: Annotated[str, Meta(max_length=320)] | None = None
    password: LinkPassword | None = None


class NewCollaborator(Body, kw_only=True):
    permissions: Annotated[tuple[Permission, ...], Meta(min_length=1)]


class NewPreset(Body, kw_only=True):
    ops: Annotated[str, Meta(max_length=400)]
    """Like w_640,h_480,fit_cover."""


class NewSignedUrl(Body, kw_only=True):
    variant: Annotated[str, Meta(max_length=40)] | None = None
    transform: Annotated[str, Meta(max_length=400)] | None = None
    """Like w_641,fit_inside.webp: operations and format; in place of a variant."""
    expires_in: Seconds = 3_600
    not_before: Annotated[datetime, Meta(tz=True)] | None = None
    download: bool = False


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
