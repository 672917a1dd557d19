"""The reactor that sends mail: whatever was posted, to the address as its account has it."""

from collections.abc import Sequence
from functools import partial
from typing import Protocol
from urllib.parse import quote

import structlog

from commands.accounts import find_account
from commands.mail import Letter, Mail, Mailer, MailRefused, MailTokens, Occasion
from commands.ports import EventStore, Hasher
from domain import account
from domain.ids import NOBODY
from domain.refusals import Unavailable
from domain.stream import fold
from projections.wordings import composed

BATCH = 20
PROVING = frozenset({Occasion.VERIFY, Occasion.RESET})
"""Whoever follows the link proves that they read the mail."""
TO_ANYBODY = frozenset({Occasion.REPORT, Occasion.INVITATION})
"""Whether there is an account with the address or not."""

_log = structlog.get_logger()


class Box(Protocol):
    async def due(self, limit: int) -> Sequence[Letter]:
        """The oldest that should be sent now; each is left to us for a while."""
        ...

    async def done(self, letter: Letter) -> None: ...

    async def later(self, letter: Letter) -> None:
        """Further apart each time; given up once its link would have expired."""
        ...


class Postman:
    def __init__(
        self,
        box: Box,
        mailer: Mailer,
        tokens: MailTokens,
        *,
        store: EventStore,
        hasher: Hasher,
        public_url: str,
    ) -> None:
        self._box = box
        self._mailer = mailer
        self._tokens = tokens
        self._store = store
        self._hasher = hasher
        self._public_url = public_url

    async def work(self) -> int:
        """Send what is due. Returns how many letters that were."""
        letters = await self._box.due(BATCH)
        for letter in letters:
            await self._deliver(letter)
        return len(letters)

    async def _deliver(self, letter: Letter) -> None:
        try:
            if mail := await self._mail(letter):
                await self._mailer.send(mail)
        except Unavailable as error:
            _log.warning("mail waits", occasion=letter.occasion, reason=str(error.facts))
            await self._box.later(letter)
            return
        except MailRefused as error:
            _log.warning("mail refused", occasion=letter.occasion, reason=str(error))
        await self._box.done(letter)

    async def _mail(self, letter: Letter) -> Mail | None:
        """None where there is nobody to write to. The address typed is only for finding them."""
        found = await find_account(letter.address, store=self._store, hasher=self._hasher)
        state = fold(account.evolve, await self._store.load(found)) if found else None
        compose = partial(composed, letter.occasion, public_url=self._public_url)
        if found is None or state is None or state.erased:
            if letter.occasion not in TO_ANYBODY:
                return None
            return compose(letter.facts, to=letter.address, account_id=NOBODY, name="")
        if letter.occasion is Occasion.VERIFY and state.verified:
            return None
        if letter.occasion not in PROVING and not account.wants(state, letter.occasion, "mail"):
            return None
        facts = letter.facts
        if letter.occasion in PROVING:
            facts = facts | {"token": quote(await self._tokens.make(found, letter.occasion))}
        return compose(facts, to=state.email, account_id=found, name=state.username)
