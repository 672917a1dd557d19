"""Share links with a password: opening them."""

from typing import Protocol
from uuid import UUID

import msgspec

from commands.guesses import Guesses
from domain.ids import ShareId
from domain.refusals import PasswordWrong


class SharePasswords(Protocol):
    async def keep(self, share_id: ShareId, of: UUID, password: str) -> None:
        """Its hash, once; `of` is what the link lends. Durable when it returns."""
        ...

    async def fits(self, share_id: ShareId, password: str) -> bool:
        """Costs the same where there is none."""
        ...

    async def forget(self, share_id: ShareId) -> None: ...


class UnlockShare(msgspec.Struct, frozen=True, kw_only=True):
    share_id: ShareId
    password: str
    client: str
    """The address that it comes from."""


async def unlock_share(
    command: UnlockShare, *, passwords: SharePasswords, guesses: Guesses
) -> None:
    """Raises PasswordWrong or RateLimited."""
    await guesses.begin(command.share_id, command.client)
    if not await passwords.fits(command.share_id, command.password):
        raise PasswordWrong
    await guesses.right(command.share_id, command.client)
