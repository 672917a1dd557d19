"""The Letters and MailTokens ports, and the postman's Box, over tables of secrets."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from adapters.database import Database
from adapters.sealing import Sealer
from adapters.secret_tokens import hashed, made
from commands.mail import Letter, Occasion
from domain.ids import AccountId
from domain.refusals import TokenSpent

PREFIX = "drm_"
_FACTS = b"facts"


class PostgresLetters:
    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    async def post(self, letter: Letter) -> None:
        place, lifetime = letter.id.bytes, letter.occasion.lifetime
        raw = self._sealer.seal(letter.address.encode(), place)
        facts = self._sealer.seal(msgspec.json.encode(letter.facts), place + _FACTS)
        await self._database.write(_POST, (letter.id, letter.occasion, raw, facts, lifetime))

    async def due(self, limit: int) -> Sequence[Letter]:
        rows = await self._database.changed(_DUE, (limit,))
        return [
            Letter(
                id=id,
                occasion=Occasion(occasion),
                address=self._sealer.open(raw, id.bytes).decode(),
                facts=self._facts(id, facts),
            )
            for id, occasion, raw, facts in rows
        ]

    async def done(self, letter: Letter) -> None:
        await self._database.write(_DONE, (letter.id,))

    async def later(self, letter: Letter) -> None:
        await self._database.write(_LATER, (letter.id,))

    def _facts(self, id: UUID, raw: bytes | None) -> dict[str, str]:
        """None were kept by an older version."""
        if raw is None:
            return {}
        return msgspec.json.decode(self._sealer.open(raw, id.bytes + _FACTS), type=dict[str, str])

    async def sweep(self) -> None:
        """Forget letters whose time is over."""
        await self._database.run("delete from secrets.letters where expires_at < now()")
        await self._database.run("delete from secrets.mail_tokens where expires_at < now()")


class PostgresMailTokens:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def make(self, account_id: AccountId, occasion: Occasion) -> str:
        token = made(PREFIX)
        await self._database.write(_MAKE, (account_id, occasion, hashed(token), occasion.lifetime))
        return token

    async def redeem(self, token: str, occasion: Occasion) -> AccountId:
        rows = await self._database.changed(_REDEEM, (hashed(token), occasion))
        if not rows:
            raise TokenSpent
        return AccountId(rows[0][0])


# What was sent is kept, without its address, for as long as somebody may ask for it again.
_POST = """
    insert into secrets.letters (id, occasion, address, facts, expires_at)
    values (%s, %s, %s, %s, now() + %s) on conflict (id) do nothing"""
_DUE = """
    update secrets.letters set attempts = attempts + 1,
        not_before = now() + least(power(2, attempts), 600) * interval '10 seconds'
    where id in (
        select id from secrets.letters
        where address is not null and not_before <= now() and expires_at > now()
        order by not_before limit %s for update skip locked
    ) returning id, occasion, address, facts"""
_DONE = "update secrets.letters set address = null, facts = null where id = %s"
_LATER = """
    update secrets.letters
    set not_before = now() + least(power(2, attempts), 600) * interval '1 second'
    where id = %s"""
_MAKE = """
    insert into secrets.mail_tokens (account_id, occasion, hash, expires_at)
    values (%s, %s, %s, now() + %s)
    on conflict (account_id, occasion) do update set
        hash = excluded.hash, expires_at = excluded.expires_at"""
_REDEEM = """
    delete from secrets.mail_tokens where hash = %s and occasion = %s and expires_at > now()
    returning account_id"""
