"""An account's API keys: they lend what the account may do, and cannot raise their own rights."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from domain.access import Scope, reach
from domain.ids import KeyId
from domain.refusals import Conflict, Forbidden, NotFound, Unauthenticated
from domain.stream import Event, Personal

MOST = 100
"""Living keys of one account."""

# Events


class KeyName(Personal, frozen=True, kw_only=True):
    name: str


class ApiKeyIssued(Event, frozen=True, kw_only=True, tag="account.api-key-issued"):
    key_id: KeyId
    scopes: tuple[Scope, ...]
    expires_at: datetime | None = None
    issued_by: KeyId | None = None
    """The key that asked for it: it dies with that one."""
    personal: KeyName | None


class ApiKeyRevoked(Event, frozen=True, kw_only=True, tag="account.api-key-revoked"):
    key_id: KeyId


ApiKeyEvent: TypeAlias = ApiKeyIssued | ApiKeyRevoked

# State


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    scopes: frozenset[Scope]
    expires_at: datetime | None
    issued_by: KeyId | None
    revoked: bool = False

    def living(self, now: datetime) -> bool:
        return not self.revoked and (self.expires_at is None or self.expires_at > now)


Keys: TypeAlias = Mapping[KeyId, ApiKey]


def evolve(keys: Keys, event: ApiKeyEvent) -> Keys:
    if isinstance(event, ApiKeyRevoked):
        return {**keys, event.key_id: replace(keys[event.key_id], revoked=True)}
    issued = ApiKey(
        name=event.personal.name if event.personal else "",
        scopes=frozenset(event.scopes),
        expires_at=event.expires_at,
        issued_by=event.issued_by,
    )
    return {**keys, event.key_id: issued}


# Decisions


def issue(
    keys: Keys,
    *,
    key_id: KeyId,
    name: str,
    scopes: Collection[Scope],
    expires_at: datetime | None,
    by_key: KeyId | None,
    now: datetime,
) -> list[ApiKeyEvent]:
    """`by_key` is the key that asks, where it is no person."""
    if key_id in keys:
        return []
    if by_key:
        expires_at = _within(keys.get(by_key), scopes, expires_at, now)
    living = sum(key.living(now) for key in keys.values())
    if living >= MOST:
        raise Conflict(reason="the account has as many living keys as it may", limit=MOST)
    issued = ApiKeyIssued(
        key_id=key_id,
        scopes=tuple(sorted(set(scopes))),
        expires_at=expires_at,
        issued_by=by_key,
        personal=KeyName(name=name),
    )
    return [issued]


def family(keys: Keys, key_id: KeyId) -> Sequence[KeyId]:
    """A key, and every key that came of it. Raises NotFound."""
    if key_id not in keys:
        raise NotFound
    found = [key_id]
    for id, key in keys.items():  # in the order of their making: parents come first
        if key.issued_by in found:
            found.append(id)
    return found


def revoke(keys: Keys, *, key_id: KeyId) -> list[ApiKeyEvent]:
    """With every key that came of it."""
    ids = family(keys, key_id)
    return [ApiKeyRevoked(key_id=id) for id in ids if not keys[id].revoked]


def _within(
    parent: ApiKey | None, scopes: Collection[Scope], expires_at: datetime | None, now: datetime
) -> datetime | None:
    """When it must end at the latest. Raises Forbidden."""
    if parent is None or not parent.living(now):
        raise Unauthenticated
    if not reach(scopes) <= reach(parent.scopes):
        raise Forbidden(reason="a key cannot make a key that may do more than itself")
    ends = [moment for moment in (expires_at, parent.expires_at) if moment]
    return min(ends, default=None)
