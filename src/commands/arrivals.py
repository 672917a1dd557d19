"""Sign-ins from somewhere new: noted, so that who has the account is told, and a thief noticed."""

from functools import partial
from typing import Protocol

import msgspec

from commands.execute import Stream, execute
from commands.ports import EventStore
from commands.sessions import Device
from domain import account, account_marks
from domain.ids import NOBODY, AccountId


class Devices(Protocol):
    async def news(self, account_id: AccountId, device: Device) -> bool:
        """Whether the account was signed in to before, but never from there by that.

        Kept so that who reads the database learns neither addresses nor programs.
        """
        ...


class Arrivals(msgspec.Struct, frozen=True, kw_only=True):
    devices: Devices
    store: EventStore

    async def note(self, account_id: AccountId, device: Device) -> None:
        """By nobody: it is not known yet whether it was the owner."""
        if not await self.devices.news(account_id, device):
            return
        seen = account_marks.Device(address=device.client, agent=device.agent)
        decide = partial(account.meet, device=seen)
        await execute(self.store, Stream(account_id, account.evolve), decide, by=NOBODY)
