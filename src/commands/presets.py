"""Presets: transforms that an account names."""

import msgspec

from commands.execute import Stream, execute
from commands.ports import EventStore, Receipt
from domain import account
from domain.ids import AccountId


class SavePreset(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    name: str
    ops: str


class RemovePreset(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    name: str


async def save_preset(command: SavePreset, *, store: EventStore) -> Receipt:
    return await execute(
        store,
        Stream(command.by, account.evolve),
        lambda state: account.save_preset(state, name=command.name, ops=command.ops),
        by=command.by,
    )


async def remove_preset(command: RemovePreset, *, store: EventStore) -> Receipt:
    return await execute(
        store,
        Stream(command.by, account.evolve),
        lambda state: account.remove_preset(state, name=command.name),
        by=command.by,
    )
