"""API keys: made, shown once, revoked. The log knows what they may do, never what they are."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from commands.execute import Stream, execute
from commands.ports import Clock, EventStore, Receipt
from domain import account, api_key
from domain.access import Scope
from domain.api_key import ApiKey
from domain.ids import AccountId, KeyId
from domain.stream import fold


class ApiKeys(Protocol):
    """What the keys are, as far as it is kept: only who has one can tell."""

    async def keep(self, account_id: AccountId, key_id: KeyId, key: ApiKey) -> str:
        """A new secret for the key; it is nowhere to be read again. Durable when it returns."""
        ...

    async def forget(self, key_ids: Sequence[KeyId]) -> None:
        """They open nothing from now on."""
        ...

    async def last_used(self, account_id: AccountId) -> Mapping[KeyId, datetime]:
        """To within some seconds; keys that never were are not in it."""
        ...


class IssueApiKey(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    by_key: KeyId | None
    """The key that asks, where it is no person."""
    key_id: KeyId
    name: str
    scopes: Sequence[Scope]
    expires_in: int | None


class RevokeApiKey(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    key_id: KeyId


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    key: ApiKey
    secret: str
    receipt: Receipt


async def issue_api_key(
    command: IssueApiKey, *, store: EventStore, keys: ApiKeys, now: Clock
) -> Issued:
    """The event comes first: what a refused request asked for never has a secret."""
    moment = now()
    lifetime = command.expires_in
    receipt = await execute(
        store,
        Stream(command.by, account.evolve),
        lambda state: account.issue_key(
            state,
            key_id=command.key_id,
            name=command.name,
            scopes=command.scopes,
            expires_at=moment + timedelta(seconds=lifetime) if lifetime else None,
            by_key=command.by_key,
            now=moment,
        ),
        by=command.by,
    )
    key = (await of_account(command.by, store=store))[command.key_id]
    secret = await keys.keep(command.by, command.key_id, key)
    return Issued(key=key, secret=secret, receipt=receipt)


async def revoke_api_key(command: RevokeApiKey, *, store: EventStore, keys: ApiKeys) -> Receipt:
    """Dead before it is written down: whatever happens between, the key opens nothing."""
    known = await of_account(command.by, store=store)
    await keys.forget(api_key.family(known, command.key_id))
    return await execute(
        store,
        Stream(command.by, account.evolve),
        lambda state: account.revoke_key(state, key_id=command.key_id),
        by=command.by,
    )


async def of_account(account_id: AccountId, *, store: EventStore) -> api_key.Keys:
    state = fold(account.evolve, await store.load(account_id))
    return state.keys if state else {}
