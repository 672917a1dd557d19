"""Upload tokens: made, shown once, used up, revoked."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

import msgspec

from commands.execute import Stream, execute
from commands.ports import Clock, EventStore, Receipt
from domain import account
from domain.ids import AccountId, AlbumId, ImageId, TokenId
from domain.media import Format
from domain.stream import fold
from domain.upload_token import Tokens, UploadToken


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever made a token has chosen for an upload."""

    format: Format | None = None
    album_id: AlbumId | None = None


class UploadTokens(Protocol):
    async def keep(self, account_id: AccountId, token_id: TokenId, token: UploadToken) -> str:
        """A new secret for the token; it is nowhere to be read again. Durable when it returns."""
        ...

    async def forget(self, account_id: AccountId, token_id: TokenId) -> None:
        """It opens nothing from now on."""
        ...

    async def remaining(self, account_id: AccountId) -> Mapping[TokenId, int]: ...

    async def take(self, token_id: TokenId, image_id: ImageId, size: int) -> Terms:
        """One of the uploads that the token is good for; for the same image only one.

        However many come at once, never more get one than the token says. Raises
        UploadTokenSpent, or FileTooLarge.
        """
        ...

    async def give_back(self, token_id: TokenId, image_id: ImageId) -> None:
        """What was taken for an image that did not come to be."""
        ...

    async def took(self, token_id: TokenId, image_id: ImageId) -> bool:
        """Whether the image came by this token."""
        ...


class IssueUploadToken(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    token_id: TokenId
    number: int
    max_bytes: int | None
    format: Format | None
    album_id: AlbumId | None
    expires_in: int


class RevokeUploadToken(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    token_id: TokenId


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    token: UploadToken
    secret: str
    receipt: Receipt


async def issue_upload_token(
    command: IssueUploadToken, *, store: EventStore, tokens: UploadTokens, now: Clock
) -> Issued:
    moment = now()
    receipt = await execute(
        store,
        Stream(command.by, account.evolve),
        lambda state: account.issue_token(
            state,
            token_id=command.token_id,
            number=command.number,
            max_bytes=command.max_bytes,
            format=command.format,
            album_id=command.album_id,
            expires_at=moment + timedelta(seconds=command.expires_in),
            now=moment,
        ),
        by=command.by,
    )
    token = (await of_account(command.by, store=store))[command.token_id]
    secret = await tokens.keep(command.by, command.token_id, token)
    return Issued(token=token, secret=secret, receipt=receipt)


async def revoke_upload_token(
    command: RevokeUploadToken, *, store: EventStore, tokens: UploadTokens
) -> Receipt:
    """Dead before it is written down: whatever happens between, the token opens nothing."""
    await tokens.forget(command.by, command.token_id)
    return await execute(
        store,
        Stream(command.by, account.evolve),
        lambda state: account.revoke_token(state, token_id=command.token_id),
        by=command.by,
    )


async def of_account(account_id: AccountId, *, store: EventStore) -> Tokens:
    state = fold(account.evolve, await store.load(account_id))
    return state.tokens if state else {}
