"""Every no that Darkroom knows. A refusal has a kind, a stable code, a sentence, and figures."""

import re
from enum import Enum
from typing import ClassVar


class Kind(Enum):
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not found"
    GONE = "gone"
    CONFLICT = "conflict"
    STALE = "stale"
    LOCKED = "locked"
    TOO_LARGE = "too large"
    UNSUPPORTED = "unsupported"
    UNPROCESSABLE = "unprocessable"
    RATE_LIMITED = "rate limited"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    BEYOND = "beyond"
    NOT_IMPLEMENTED = "not implemented"


class Refusal(Exception):
    """The request was refused."""

    kind: ClassVar[Kind]
    code: ClassVar[str]
    known: ClassVar[dict[str, type["Refusal"]]] = {}

    def __init_subclass__(cls) -> None:
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        Refusal.known[cls.code] = cls

    def __init__(self, **facts: object) -> None:
        super().__init__(self.__doc__)
        self.facts = facts
        """Safe to show to the caller: limits, versions, identifiers they sent."""


class Unauthenticated(Refusal):
    """The credentials are missing, wrong or expired."""

    kind = Kind.UNAUTHENTICATED


class SecondFactorRequired(Refusal):
    """The password is right; send the code of the second factor with it."""

    kind = Kind.UNAUTHENTICATED


class TokenSpent(Refusal):
    """The link was used before, has expired, or never was one: ask for another."""

    kind = Kind.UNPROCESSABLE


class Forbidden(Refusal):
    """You may not do this."""

    kind = Kind.FORBIDDEN


class AccountSuspended(Refusal):
    """The account is suspended: ask whoever runs this service."""

    kind = Kind.FORBIDDEN


class UploadTokenSpent(Refusal):
    """The upload token was used as often as it may be."""

    kind = Kind.FORBIDDEN


class SignatureInvalid(Refusal):
    """The URL's signature does not match what it asks for."""

    kind = Kind.FORBIDDEN


class SignatureExpired(Refusal):
    """The signed URL has expired."""

    kind = Kind.FORBIDDEN


class SignatureNotYetValid(Refusal):
    """The signed URL is for later."""

    kind = Kind.FORBIDDEN


class SignatureRequired(Refusal):
    """Only the allowed steps of sizes can be asked for without a signed URL."""

    kind = Kind.FORBIDDEN


class ShareRevoked(Refusal):
    """The share link was revoked."""

    kind = Kind.FORBIDDEN


class PasswordRequired(Refusal):
    """The share link has a password: open its page, or unlock it, first."""

    kind = Kind.FORBIDDEN


class PasswordWrong(Refusal):
    """That is not the share link's password."""

    kind = Kind.FORBIDDEN


class ImageTakenDown(Refusal):
    """The image was taken down; as its owner, you may object: POST its counter-notice."""

    kind = Kind.FORBIDDEN


class ImageQuarantined(Refusal):
    """A scan found something in the image: its bytes are for an administrator alone."""

    kind = Kind.FORBIDDEN


class NotFound(Refusal):
    """There is nothing here."""

    kind = Kind.NOT_FOUND


class Conflict(Refusal):
    """The state of the resource forbids this."""

    kind = Kind.CONFLICT


class UploadIncomplete(Refusal):
    """The bytes have not all arrived yet: send them, then finalize."""

    kind = Kind.CONFLICT


class UploadClosed(Refusal):
    """The upload was aborted or has expired; initiate a new one."""

    kind = Kind.CONFLICT


class UploadGone(Refusal):
    """The upload was aborted or has expired: nothing more can be sent to it."""

    kind = Kind.GONE


class UploadLocked(Refusal):
    """Another request is writing to this upload; try again shortly."""

    kind = Kind.LOCKED


class OffsetMismatch(Refusal):
    """The bytes do not begin where the upload ends so far."""

    kind = Kind.CONFLICT


class UsernameTaken(Refusal):
    """The user name belongs to another account."""

    kind = Kind.CONFLICT


class EmailTaken(Refusal):
    """The e-mail address belongs to another account."""

    kind = Kind.CONFLICT


class AlreadyPurged(Refusal):
    """The image was purged before: nothing of it is left."""

    kind = Kind.CONFLICT


class LegalHold(Refusal):
    """An administrator has ordered that nothing of the image be destroyed."""

    kind = Kind.CONFLICT


class ChangedSince(Refusal):
    """Somebody has changed it since; it is left as it is now."""

    kind = Kind.CONFLICT


class CannotBeUndone(Refusal):
    """What was purged is gone for good."""

    kind = Kind.CONFLICT


class NotEmbeddable(Refusal):
    """Only what everybody may see can be embedded: make the image public or unlisted."""

    kind = Kind.CONFLICT


class FormatNotImplemented(Refusal):
    """The answer is to be had in JSON alone."""

    kind = Kind.NOT_IMPLEMENTED


class RangeNotSatisfiable(Refusal):
    """Nothing of the range that was asked for is there."""

    kind = Kind.BEYOND


class RestoreWindowClosed(Refusal):
    """The time in which the image could be restored is over."""

    kind = Kind.CONFLICT


class IdempotencyInProgress(Refusal):
    """A request with this Idempotency-Key is still running; try again shortly."""

    kind = Kind.CONFLICT


class PreconditionFailed(Refusal):
    """The resource has changed since you last read it."""

    kind = Kind.STALE


class FileTooLarge(Refusal):
    """The file exceeds the size limit."""

    kind = Kind.TOO_LARGE


class QuotaExceeded(Refusal):
    """The upload does not fit into the account's quota."""

    kind = Kind.TOO_LARGE


class BatchTooLarge(Refusal):
    """The batch holds more items than one request may."""

    kind = Kind.TOO_LARGE


class UnsupportedFormat(Refusal):
    """The bytes are no JPEG, PNG, GIF, WebP, HEIC or AVIF image."""

    kind = Kind.UNSUPPORTED


class CorruptImage(Refusal):
    """The image is broken: it does not decode to the end."""

    kind = Kind.UNPROCESSABLE


class TooManyPixels(Refusal):
    """The image has more pixels than are accepted."""

    kind = Kind.UNPROCESSABLE


class TooManyFrames(Refusal):
    """The image has more frames or scans than are accepted."""

    kind = Kind.UNPROCESSABLE


class ChecksumMismatch(Refusal):
    """The bytes that arrived are not the bytes that were declared."""

    kind = Kind.UNPROCESSABLE


class BlockedImage(Refusal):
    """Whoever runs this service does not let these bytes be brought."""

    kind = Kind.UNPROCESSABLE


class UrlForbidden(Refusal):
    """Nothing is fetched from there: only http and https, usual ports, public addresses."""

    kind = Kind.UNPROCESSABLE


class ImportFailed(Refusal):
    """The URL was asked, and gave no file."""

    kind = Kind.UNPROCESSABLE


class ChunkMismatch(Refusal):
    """The bytes of this request do not have the checksum it declared; none of them was kept."""

    kind = Kind.UNPROCESSABLE


class TooManyTags(Refusal):
    """An image can have only so many tags."""

    kind = Kind.UNPROCESSABLE


class TooManyCollaborators(Refusal):
    """Something can be lent by name only to so many people."""

    kind = Kind.UNPROCESSABLE


class TooManyAlbums(Refusal):
    """An image can be in only so many albums."""

    kind = Kind.UNPROCESSABLE


class InvitationOver(Refusal):
    """The invitation was used, withdrawn or has expired; ask for another one."""

    kind = Kind.CONFLICT


class OwnerMustStay(Refusal):
    """An organization has an owner: transfer the ownership, or delete the organization, first."""

    kind = Kind.CONFLICT


class TooManyMembers(Refusal):
    """An organization can have only so many members, invitations and teams."""

    kind = Kind.UNPROCESSABLE


class TooManyOrganizations(Refusal):
    """An account can own only so many organizations."""

    kind = Kind.UNPROCESSABLE


class Validation(Refusal):
    """A field of the request is wrong."""

    kind = Kind.UNPROCESSABLE

    @classmethod
    def of(cls, field: str, message: str) -> "Validation":
        return cls(errors=[{"field": field, "message": message}])


class RateLimited(Refusal):
    """Too many requests in too short a time; wait, and go on more slowly."""

    kind = Kind.RATE_LIMITED


class TransferExceeded(Refusal):
    """So much may be sent, or fetched, in a month, and no more; the next one begins anew."""

    kind = Kind.RATE_LIMITED


class TransformBudgetSpent(Refusal):
    """As many new renderings of this image were made today as may be without a signed URL."""

    kind = Kind.RATE_LIMITED


class TooManyPresets(Refusal):
    """An account can name only so many presets."""

    kind = Kind.UNPROCESSABLE


class RequestTimeout(Refusal):
    """The request came too slowly, and was given up."""

    kind = Kind.TIMEOUT


class IdempotencyKeyReused(Refusal):
    """The Idempotency-Key was first used with another body."""

    kind = Kind.UNPROCESSABLE


class BytesMissing(Refusal):
    """The object store has lost what it should hold; whoever runs this can bring it back."""

    kind = Kind.UNAVAILABLE


class Unavailable(Refusal):
    """A part that Darkroom depends on is down; try again shortly."""

    kind = Kind.UNAVAILABLE


class ProjectionBehind(Refusal):
    """The read model has not reached the asked position yet; try again shortly."""

    kind = Kind.UNAVAILABLE
