"""The reactor that notes who runs short of room: 80, 95 and 100 per cent, each once."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

import msgspec
import structlog

from commands.execute import Stream, execute
from commands.ports import EventStore
from domain import account, membership, organization
from domain.ids import NOBODY, AccountId
from domain.refusals import Unavailable
from domain.stream import Event

PAGE = 200

_log = structlog.get_logger()


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    account_id: AccountId
    organization: bool = False
    """Whether it is one; else an account."""
    used: int
    """With what is reserved for uploads under way, and what is stored beside originals."""
    quota: int


class Usages(Protocol):
    async def unsettled(self, *, after: AccountId | None, limit: int) -> Sequence[Usage]:
        """Accounts and organizations of which there may be something to note, by their ids."""
        ...


class Watcher:
    def __init__(self, usages: Usages, *, store: EventStore) -> None:
        self._usages = usages
        self._store = store

    async def work(self) -> int:
        """Look at all of them once. Returns of how many something was noted."""
        noted, last = 0, None
        while page := await self._usages.unsettled(after=last, limit=PAGE):
            for usage in page:
                try:
                    noted += await self._note(usage)
                except Unavailable:
                    raise
                except Exception as error:  # one must not keep all behind it from being told
                    _log.warning("usage not noted", account=str(usage.account_id), exc_info=error)
            last = page[-1].account_id
        return noted

    async def _note(self, usage: Usage) -> bool:
        """The read model is late at times: what their own history says counts."""
        note: Callable[..., Sequence[Event]] = account.note_usage
        stream: Stream[Any] = Stream(usage.account_id, account.evolve)
        if usage.organization:
            note = membership.note_usage
            stream = Stream(usage.account_id, organization.evolve)
        decide = partial(note, used=usage.used, quota=usage.quota)
        receipt = await execute(self._store, stream, decide, by=NOBODY)
        return receipt.position is not None
