"""What clients may send: every field named and bounded."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from domain.access import Permission, Visibility
from domain.account import Duplicates
from domain.many import MOST_TAGS

MAX_BODY = 1_000_000
"""Bytes of a JSON body; forms have limits of their own."""
MAX_TAGS, MAX_TAG = MOST_TAGS, 64
MAX_CUSTOM, MAX_CUSTOM_VALUE = 50, 500
MAX_BATCH = 100


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
