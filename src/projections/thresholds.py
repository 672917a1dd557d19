"""The reactor that notes who runs short of room: 80, 95 and 100 per cent, each once."""

from collections.abc import Sequence
from functools import partial
from typing import Protocol

import msgspec

from commands.execute import Stream, execute
from commands.ports import EventStore
from domain import account
from domain.ids import NOBODY, AccountId

PAGE = 200


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    account_id: AccountId
    used: int
    """With what is reserved for uploads under way, and what is stored beside originals."""
    quota: int


class Usages(Protocol):
    async def unsettled(self, *, after: AccountId | None, limit: int) -> Sequence[Usage]:
        """Accounts of which there may be something to note, in the order of their ids."""
        ...


class Watcher:
    def __init__(self, usages: Usages, *, store: EventStore) -> None:
        self._usages = usages
        self._store = store

    async def work(self) -> int:
        """Look at all accounts once. Returns of how many something was noted."""
        noted, last = 0, None
        while page := await self._usages.unsettled(after=last, limit=PAGE):
            for usage in page:
                noted += await self._note(usage)
            last = page[-1].account_id
        return noted

    async def _note(self, usage: Usage) -> bool:
        """The read model is late at times: what the account's own history says counts."""
        decide = partial(account.note_usage, used=usage.used, quota=usage.quota)
        stream = Stream(usage.account_id, account.evolve)
        receipt = await execute(self._store, stream, decide, by=NOBODY)
        return receipt.position is not None
