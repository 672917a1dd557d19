"""The Credentials port: what a token stands for, asked anew each time: revocations hold at once."""

from typing import Any

import msgspec

from adapters import upload_tokens
from adapters.api_keys import PREFIX, PostgresApiKeys
from adapters.database import Database
from adapters.secret_tokens import hashed
from commands.credentials import AccessTokens, Bearer
from commands.ports import EventStore
from domain import account
from domain.access import Scope, reach
from domain.ids import AccountId, KeyId, TokenId
from domain.refusals import AccountSuspended, Unauthenticated
from domain.stream import fold


class BearerCredentials:
    def __init__(
        self, database: Database, tokens: AccessTokens, keys: PostgresApiKeys, store: EventStore
    ) -> None:
        self._database = database
        self._tokens = tokens
        self._keys = keys
        self._store = store

    async def check(self, token: str) -> Bearer:
        if token.startswith(PREFIX):
            return await self.client(token)
        if token.startswith(upload_tokens.PREFIX):
            return await self._guest(token)
        claims = self._tokens.verify(token)
        if claims.key_id:
            bearer = await self._by_key("k.id = %s", claims.key_id, claims.account_id)
            scopes = reach(bearer.scopes) & reach(claims.scopes)
            return msgspec.structs.replace(bearer, scopes=scopes)
        assert claims.session_id
        barred, plan = await self._one(_SESSION, (claims.session_id, claims.account_id))
        _require_free(barred)
        return Bearer(
            account_id=claims.account_id,
            plan=await self._plan(claims.account_id, plan),
            scopes=claims.scopes,
            session_id=claims.session_id,
        )

    async def client(self, secret: str) -> Bearer:
        return await self._by_key("k.hash = %s", hashed(secret))

    async def _guest(self, token: str) -> Bearer:
        barred, id, owner, plan = await self._one(_GUEST, (hashed(token),))
        _require_free(barred)
        return Bearer(
            account_id=AccountId(owner),
            plan=await self._plan(AccountId(owner), plan),
            scopes=frozenset({Scope.UPLOAD}),
            token_id=TokenId(id),
        )

    async def _by_key(self, which: str, value: Any, account_id: AccountId | None = None) -> Bearer:
        barred, id, owner, scopes, plan = await self._one(_KEY + which, (value,))
        if account_id not in (None, owner):
            raise Unauthenticated
        _require_free(barred)
        self._keys.used(KeyId(id))
        return Bearer(
            account_id=AccountId(owner),
            plan=await self._plan(AccountId(owner), plan),
            scopes=frozenset(map(Scope, scopes)),
            key_id=KeyId(id),
        )

    async def _plan(self, account_id: AccountId, plan: str | None) -> str:
        """Where the read model knows no such account: it is behind, or the account was erased."""
        if plan is not None:
            return plan
        state = fold(account.evolve, await self._store.load(account_id))
        if state is None or state.erased:
            raise Unauthenticated
        return state.plan

    async def _one(self, query: str, parameters: tuple[Any, ...]) -> tuple[Any, ...]:
        rows = await self._database.rows(query, parameters)
        if not rows:
            raise Unauthenticated
        return rows[0]


def _require_free(barred: bool) -> None:
    if barred:
        raise AccountSuspended


_BARRED = "exists (select from secrets.bars b where b.account_id = {0}.account_id)"
_SESSION = f"""
    select {_BARRED.format("s")}, p.plan
    from secrets.sessions s left join accounts.profiles p on p.id = s.account_id
    where s.id = %s and s.account_id = %s"""
_GUEST = f"""
    select {_BARRED.format("t")}, t.id, t.account_id, p.plan
    from secrets.upload_tokens t left join accounts.profiles p on p.id = t.account_id
    where t.hash = %s and t.expires_at > now()"""
_KEY = f"""
    select {_BARRED.format("k")}, k.id, k.account_id, k.scopes, p.plan
    from secrets.api_keys k left join accounts.profiles p on p.id = k.account_id
    where (k.expires_at is null or k.expires_at > now()) and """
