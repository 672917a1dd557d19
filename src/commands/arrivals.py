"""Sign-ins from somewhere new: whoever has an account is told, so that a thief is noticed."""

from typing import Protocol

import msgspec

from commands.mail import Letter, Letters, Occasion
from commands.ports import Clock, Device, EventStore, NewId
from domain import account
from domain.ids import AccountId
from domain.stream import fold


class Devices(Protocol):
    async def news(self, account_id: AccountId, device: Device) -> bool:
        """Whether the account was signed in to before, but never from there by that.

        Kept so that who reads the database learns neither addresses nor programs.
        """
        ...


class Arrivals(msgspec.Struct, frozen=True, kw_only=True):
    devices: Devices
    letters: Letters
    store: EventStore
    new_id: NewId
    now: Clock

    async def note(self, account_id: AccountId, device: Device) -> None:
        if not await self.devices.news(account_id, device):
            return
        state = fold(account.evolve, await self.store.load(account_id))
        if state is None or state.erased or not account.wants(state, Occasion.SIGN_IN, "mail"):
            return
        facts = {
            "address": device.client or "an unknown address",
            "agent": device.agent or "an unknown program",
            "at": f"{self.now():%Y-%m-%d %H:%M} UTC",
        }
        letter = Letter(
            id=self.new_id(), occasion=Occasion.SIGN_IN, address=state.email, facts=facts
        )
        await self.letters.post(letter)
