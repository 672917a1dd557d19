"""Upload tokens: an account lets others bring it images, so many and no more."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from domain.ids import AlbumId, TokenId
from domain.media import Format
from domain.refusals import Conflict, NotFound
from domain.stream import Event

MOST = 1_000
"""Living tokens of one account."""

# Events


class UploadTokenIssued(Event, frozen=True, kw_only=True, tag="account.upload-token-issued"):
    token_id: TokenId
    number: int
    """How many images it is good for."""
    max_bytes: int | None = None
    format: Format | None = None
    album_id: AlbumId | None = None
    """Where its images go."""
    expires_at: datetime


class UploadTokenRevoked(Event, frozen=True, kw_only=True, tag="account.upload-token-revoked"):
    token_id: TokenId


UploadTokenEvent: TypeAlias = UploadTokenIssued | UploadTokenRevoked

# State


class UploadToken(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    max_bytes: int | None
    format: Format | None
    album_id: AlbumId | None
    expires_at: datetime
    revoked: bool = False

    def living(self, now: datetime) -> bool:
        return not self.revoked and self.expires_at > now


Tokens: TypeAlias = Mapping[TokenId, UploadToken]


def evolve(tokens: Tokens, event: UploadTokenEvent) -> Tokens:
    if isinstance(event, UploadTokenRevoked):
        return {**tokens, event.token_id: replace(tokens[event.token_id], revoked=True)}
    issued = UploadToken(
        number=event.number,
        max_bytes=event.max_bytes,
        format=event.format,
        album_id=event.album_id,
        expires_at=event.expires_at,
    )
    return {**tokens, event.token_id: issued}


# Decisions


def issue(
    tokens: Tokens,
    *,
    token_id: TokenId,
    number: int,
    max_bytes: int | None,
    format: Format | None,
    album_id: AlbumId | None,
    expires_at: datetime,
    now: datetime,
) -> list[UploadTokenEvent]:
    if token_id in tokens:
        return []
    if sum(token.living(now) for token in tokens.values()) >= MOST:
        raise Conflict(reason="the account has as many living tokens as it may", limit=MOST)
    return [
        UploadTokenIssued(
            token_id=token_id,
            number=number,
            max_bytes=max_bytes,
            format=format,
            album_id=album_id,
            expires_at=expires_at,
        )
    ]


def revoke(tokens: Tokens, *, token_id: TokenId) -> list[UploadTokenEvent]:
    if token_id not in tokens:
        raise NotFound
    return [] if tokens[token_id].revoked else [UploadTokenRevoked(token_id=token_id)]
