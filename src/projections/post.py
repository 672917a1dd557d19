"""The reactor that sends mail: whatever was posted, to the address as its account has it."""

from collections.abc import Sequence
from html import escape
from string import Template
from typing import Protocol
from urllib.parse import quote

import msgspec
import structlog

from commands.accounts import find_account
from commands.mail import Letter, Mail, Mailer, MailRefused, MailTokens, Occasion
from commands.ports import EventStore, Hasher
from domain import account
from domain.account import Account
from domain.ids import AccountId
from domain.refusals import Unavailable
from domain.stream import fold

BATCH = 20

_log = structlog.get_logger()


class Box(Protocol):
    async def due(self, limit: int) -> Sequence[Letter]:
        """The oldest that should be sent now; each is left to us for a while."""
        ...

    async def done(self, letter: Letter) -> None: ...

    async def later(self, letter: Letter) -> None:
        """Further apart each time; given up once its link would have expired."""
        ...


class Wording(msgspec.Struct, frozen=True):
    """`page` is where the link leads; the rest is what people read."""

    page: str
    subject: str
    words: str
    button: str


WORDINGS = {
    Occasion.VERIFY: Wording(
        "account/verify",
        "Is this your address?",
        "somebody signed up to Darkroom with this address. If it was you, confirm it; if it was"
        " not, do nothing: the address stays unconfirmed.",
        "Confirm the address",
    ),
    Occasion.RESET: Wording(
        "account/reset",
        "Choose a new password",
        "somebody asked for a new password for your account. If it was you, choose one within an"
        " hour; if it was not, do nothing: the old one stays as it is.",
        "Choose a password",
    ),
}

_TEXT = Template("""Hello $name,

$words

$button:
$link

$where
""")
_HTML = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>$subject</title></head>
<body style="font: 16px/1.5 sans-serif; max-width: 34em; margin: 2em auto; color: #222">
<p>Hello $name,</p>
<p>$words</p>
<p><a href="$link" style="background: #222; color: #fff; padding: .6em 1em; border-radius: .3em;
text-decoration: none">$button</a></p>
<p style="color: #666; font-size: 13px">$where<br>$link</p>
</body></html>
""")


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
        if found is None or state is None or state.erased:
            return None
        if letter.occasion is Occasion.VERIFY and state.verified:
            return None
        token = await self._tokens.make(found, letter.occasion)
        return written(letter.occasion, found, state, token, self._public_url)


def written(occasion: Occasion, id: AccountId, state: Account, token: str, public_url: str) -> Mail:
    wording = WORDINGS[occasion]
    words = {
        "name": state.username,
        "subject": wording.subject,
        "words": wording.words,
        "button": wording.button,
        "link": f"{public_url}/{wording.page}?token={quote(token)}",
        "where": f"Darkroom at {public_url}",
    }
    return Mail(
        to=state.email,
        account_id=id,
        subject=wording.subject,
        text=_TEXT.substitute(words),
        html=_HTML.substitute({key: escape(text) for key, text in words.items()}),
    )
