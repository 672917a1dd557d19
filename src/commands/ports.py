"""What the commands need from outside. The docstrings are the contracts adapters are tested on."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, NewType, Protocol
from uuid import UUID

import msgspec

from domain.access import Scope
from domain.ids import AccountId, ImageId, KeyId, SessionId
from domain.media import Format, Rung
from domain.stream import Event, Recorded
from domain.transform import Transform
from domain.uploads import Arrived

# The log


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Where a command left its stream. `position` is None when nothing happened."""

    version: int
    position: int | None = None


class StreamMoved(Exception):
    """Another writer appended to the stream first."""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Events for one stream, to stand right behind version `after`."""

    stream_id: UUID
    after: int
    events: Sequence[Event]


class Reserve(msgspec.Struct, frozen=True, kw_only=True):
    """Counts `bytes` against the account's quota, or gives them back if negative."""

    account_id: AccountId
    bytes: int


class SetQuota(msgspec.Struct, frozen=True, kw_only=True):
    """Opens the account's counter, or moves its limit."""

    account_id: AccountId
    quota_bytes: int


class Bring(msgspec.Struct, frozen=True, kw_only=True):
    """Counts `bytes` that came in in a month, up to its limit; None is no limit."""

    counter: AccountId
    limit: int | None
    bytes: int


Guard = Reserve | SetQuota | Bring


class EventStore(Protocol):
    async def load(self, stream_id: UUID) -> Sequence[Recorded[Any]]:
        """Every event of the stream, oldest first; empty if there is none."""
        ...

    async def append(
        self, batches: Sequence[Batch], *, by: AccountId, guards: Sequence[Guard] = ()
    ) -> int:
        """Record all batches and apply all guards in one transaction, or none of it.

        Returns the last position. Raises StreamMoved, or QuotaExceeded or TransferExceeded with
        `limitBytes`, `usedBytes` and `requestedBytes`. What it returned for survives a power cut.
        """
        ...

    def within(self, operation: UUID) -> "EventStore":
        """The same store; what it appends is marked as part of the operation."""
        ...


# Bytes

ObjectKey = NewType("ObjectKey", str)


class StoredObject(msgspec.Struct, frozen=True, kw_only=True):
    key: ObjectKey
    size: int
    modified: datetime


class SignedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request that the holder may make, once, exactly as given."""

    url: str
    method: str
    headers: dict[str, str]
    expires_in: int


class ObjectMissing(Exception):
    """No object has that key."""


class ObjectStore(Protocol):
    """Raises refusals.Unavailable when the store cannot be reached; it retries briefly itself."""

    async def presign_put(
        self, key: ObjectKey, *, size: int, content_type: str, sha256: str | None, expires_in: int
    ) -> SignedRequest:
        """A PUT of exactly `size` bytes of that type (and SHA-256, in hex), to an unused key."""
        ...

    async def put(self, key: ObjectKey, body: bytes | Path, *, content_type: str) -> None:
        """Store or replace."""
        ...

    async def copy(self, source: ObjectKey, target: ObjectKey) -> None:
        """Copy inside the store. Raises ObjectMissing."""
        ...

    async def head(self, key: ObjectKey) -> StoredObject:
        """Raises ObjectMissing."""
        ...

    async def read(self, key: ObjectKey, *, start: int = 0, stop: int | None = None) -> bytes:
        """Bytes [start, stop). Raises ObjectMissing."""
        ...

    def stream(
        self, key: ObjectKey, *, start: int = 0, stop: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Bytes [start, stop) in chunks. Raises ObjectMissing on entering."""
        ...

    async def delete(self, keys: Sequence[ObjectKey]) -> None:
        """Remove; a missing key is no error."""
        ...

    def list(self, prefix: str) -> AsyncIterator[StoredObject]:
        """Every object whose key begins with `prefix`."""
        ...

    async def settle(self) -> None:
        """The durability barrier: what was stored before the call survives a power cut after it."""
        ...


class Twins(Protocol):
    async def oldest(self, owner_id: AccountId, checksum: str, besides: ImageId) -> ImageId | None:
        """The owner's oldest live image with these bytes, as far as the read model knows."""
        ...


# Elsewhere


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    content_type: str
    """As the server names it, if it names one."""


class Fetcher(Protocol):
    async def fetch(self, url: str, target: Path, *, max_bytes: int) -> Fetched:
        """Write what the URL leads to into a file.

        Connects to public addresses only, whatever the name, a redirect or the name's next
        resolution say. Raises UrlForbidden, ImportFailed or FileTooLarge; the file is then
        whatever came so far.
        """
        ...


# Pixels


class Derivative(msgspec.Struct, frozen=True, kw_only=True):
    """One rendering: upright, colour profile kept, no other metadata."""

    rung: Rung
    format: Format
    width: int
    height: int
    body: bytes


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """WGS 84 degrees, metres."""

    latitude: float
    longitude: float
    altitude: float | None = None


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says of itself: named, decodable fields only; its whereabouts apart."""

    exif: dict[str, str | int | float] = {}
    iptc: dict[str, str | list[str]] = {}
    xmp: dict[str, str | list[str]] = {}
    color_profile: str | None = None
    """The ICC profile's description; None if the file has none (then it is sRGB)."""
    orientation: int = 1
    """EXIF 1 to 8, as found: derivatives and dimensions are already upright."""
    gps: Place | None = None
    taken_at: datetime | None = None
    """EXIF capture time; taken for UTC where the file names no offset."""


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """What an original is known by, to archives and to whoever seeks its like."""

    crc: int
    """CRC-32."""
    scrubbed_size: int | None = None
    """Of the copy without its whereabouts, where there is one."""
    scrubbed_crc: int | None = None
    fingerprint: int | None = None
    """A perceptual hash of 64 bits, as a signed number; None for a flat picture."""


class Development(msgspec.Struct, frozen=True, kw_only=True):
    """Every print of one original, from one decode."""

    recipe: str
    placeholder: str
    """ThumbHash, base64."""
    metadata: Metadata
    derivatives: Sequence[Derivative]
    alpha: bool
    """Whether anything of it is transparent, or might be."""
    faithful: bool
    """Whether smaller pictures look the same, made from the derivatives or from the original."""
    scrubbed: bytes | None
    """The original without its whereabouts, losslessly; None if it tells none."""
    traits: Traits


class Inspector(Protocol):
    async def inspect(self, path: Path) -> Arrived:
        """Prove by a full decode that the file is an image within the caps.

        Raises UnsupportedFormat, CorruptImage, TooManyPixels, TooManyFrames or FileTooLarge, with
        the figures behind it; whatever the file does to the child is CorruptImage.
        """
        ...


class Lab(Inspector, Protocol):
    """Decodes untrusted files in child processes; a child's death costs one file.

    Raises refusals.Unavailable if the queue is full.
    """

    recipe: str
    """Name and version of how derivatives are made; part of their keys."""

    async def develop(self, path: Path) -> Development:
        """The whole ladder from one decode, in WebP and JPEG; what is PNG also in PNG.

        What moves does so in WebP, up to a size of all its frames; it is not made in JPEG here.
        Raises CorruptImage.
        """
        ...

    async def render(self, path: Path, rung: Rung, format: Format) -> Derivative:
        """One derivative. Raises CorruptImage."""
        ...

    async def transform(
        self,
        path: Path,
        transform: Transform,
        format: Format,
        *,
        size: tuple[int, int] | None = None,
    ) -> bytes:
        """Upright and without metadata but the profile, animated where both formats can be.

        `size` is the original's, upright, where the file is a rendering that stands in for it.
        Raises Validation for a page that the file does not have, or CorruptImage.
        """
        ...

    async def scrub(self, path: Path) -> bytes | None:
        """As Development.scrubbed."""
        ...


# People


class Passwords(Protocol):
    async def set(self, account_id: AccountId, password: str) -> None:
        """Hash and keep; replaces the old one. Durable when it returns."""
        ...

    async def verify(self, account_id: AccountId | None, password: str) -> bool:
        """Costs the same for an unknown account (None) as for a wrong password."""
        ...

    async def forget(self, account_id: AccountId) -> None: ...


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What an access token says of its bearer. Whether it still holds, is asked apart."""

    account_id: AccountId
    session_id: SessionId | None = None
    """One of the two: where somebody signed in,"""
    key_id: KeyId | None = None
    """or the API key that it was traded for."""
    scopes: frozenset[Scope]


class Session(msgspec.Struct, frozen=True, kw_only=True):
    account_id: AccountId
    family: SessionId
    refresh_token: str

    @property
    def claims(self) -> Claims:
        scopes = frozenset({Scope.PERSON})
        return Claims(account_id=self.account_id, session_id=self.family, scopes=scopes)


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody signs in from."""

    client: str = ""
    """Its address."""
    agent: str = ""
    """What it calls itself."""


class OpenSession(msgspec.Struct, frozen=True, kw_only=True):
    id: SessionId
    opened_at: datetime
    last_used_at: datetime
    """When it last traded its refresh token."""
    expires_at: datetime
    device: Device


class Sessions(Protocol):
    """Families of refresh tokens (RFC 9700, 4.14.2): one living head each."""

    async def open(self, account_id: AccountId, device: Device) -> Session: ...

    async def rotate(self, refresh_token: str, device: Device) -> Session:
        """The next head. A token used twice kills its whole family. Raises Unauthenticated."""
        ...

    async def close(self, refresh_token: str) -> None:
        """Ends the family; an unknown token is no error."""
        ...

    async def of(self, account_id: AccountId) -> Sequence[OpenSession]:
        """Those that can still go on, the last used first."""
        ...

    async def end(self, account_id: AccountId, session_id: SessionId) -> bool:
        """From now on. False if the account has no such session."""
        ...

    async def end_all(self, account_id: AccountId, *, but: SessionId | None = None) -> None:
        """From now on."""
        ...


class Hasher(Protocol):
    def claim_id(self, kind: str, name: str) -> UUID:
        """The stream of a claim: a hash of the name under the instance's key.

        A bare hash of an e-mail address is still personal data: it can be guessed.
        """
        ...


class Clock(Protocol):
    def __call__(self) -> datetime: ...


class NewId(Protocol):
    def __call__(self) -> UUID: ...


class AccessTokens(Protocol):
    def issue(self, claims: Claims) -> tuple[str, int]:
        """A bearer token and the seconds it lives."""
        ...

    def verify(self, token: str) -> Claims:
        """Raises Unauthenticated for anything we did not issue, or that has expired."""
        ...

    def jwks(self) -> dict[str, Any]:
        """RFC 7517: the public keys."""
        ...


class SignedUrl(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    expires_at: datetime


class UrlSigner(Protocol):
    """HMAC over path and parameters, with an expiry and a key id."""

    def sign(
        self,
        path: str,
        parameters: Mapping[str, str],
        expires_at: datetime,
        now: datetime,
        not_before: datetime | None = None,
    ) -> SignedUrl:
        """`path` with its parameters and `exp`, `kid`, `sig`; it may live a little longer."""
        ...

    def verify(self, path: str, parameters: Mapping[str, str], now: datetime) -> None:
        """Raises SignatureInvalid, SignatureExpired or SignatureNotYetValid."""
        ...


class KeyFinder(Protocol):
    async def meet(self, key_id: str) -> None:
        """Have `verify` know the key, if there is one of this id. Raises Unavailable."""
        ...
