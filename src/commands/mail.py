"""Mail, and the links in it that prove who reads it."""

from datetime import timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from domain.ids import AccountId


class Occasion(StrEnum):
    VERIFY = "verify"
    """Somebody signed up with the address."""
    RESET = "reset"
    """Somebody says that they forgot the password."""
    REPORT = "report"
    """What somebody reported was judged."""
    INVITATION = "invitation"
    """To an organization."""
    SIGN_IN = "sign_in"
    """From somewhere new."""
    QUARANTINED = "quarantined"
    RELEASED = "released"
    TAKEN_DOWN = "taken_down"
    REINSTATED = "reinstated"
    """An image, as four kinds of notices call it."""
    SHARED = "shared"
    QUOTA = "quota"
    PROCESSING_FAILED = "processing_failed"
    WEBHOOK = "webhook"

    @property
    def lifetime(self) -> timedelta:
        """Of the link, and of our tries to deliver it."""
        return timedelta(hours=1) if self is Occasion.RESET else timedelta(days=3)


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent. Whether there is anybody to send it to, is found out behind the scenes:
    who asks learns from neither answer nor time."""

    id: UUID
    """The same again is not sent again."""
    occasion: Occasion
    address: str
    facts: dict[str, str] = {}
    """What its words are about."""


def first_letter(account_id: AccountId, address: str) -> Letter:
    """To whoever signed up. However often that is repeated, it is the same letter."""
    return Letter(id=account_id, occasion=Occasion.VERIFY, address=address)


class Letters(Protocol):
    async def post(self, letter: Letter) -> None:
        """Durable when it returns; it is sent soon."""
        ...


class MailTokens(Protocol):
    async def make(self, account_id: AccountId, occasion: Occasion) -> str:
        """A secret for a link, worth something once; an older one for the occasion is not any more.

        Kept so that who reads the database cannot use it.
        """
        ...

    async def redeem(self, token: str, occasion: Occasion) -> AccountId:
        """Whose it was. Raises TokenSpent."""
        ...


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    to: str
    account_id: AccountId
    """Whose address that is."""
    subject: str
    text: str
    html: str


class Mailer(Protocol):
    async def send(self, mail: Mail) -> None:
        """Raises Unavailable where it may work later, MailRefused where it will not."""
        ...


class MailRefused(Exception):
    """The server will never take it: no such address, say."""
