"""The keys that sign access tokens: one after the other, all derived from the instance's key."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.database import Database
from adapters.keys import InstanceKey
from adapters.tokens import Ring, key_id

LOOK = 2.0
"""Seconds between looks for another key."""
SPREAD = 10
"""Seconds after which every process knows a new key: only then it signs."""


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    key_id: str
    made_at: datetime | None
    """None for the first, which is older than anything."""
    state: str
    """`coming`, `signing`, `verifying`, `ended`."""


class TokenKeys:
    """`lifetime` is that of a token: so long a key that signs no more is still believed."""

    def __init__(self, database: Database, key: InstanceKey, *, lifetime: int) -> None:
        self._database = database
        self._instance = key
        self._lifetime = lifetime
        self._ring: Ring | None = None

    def ring(self) -> Ring:
        assert self._ring, "loaded before the first request"
        return self._ring

    async def load(self) -> None:
        states = {number: state for number, _, state in await self._generations()}
        keys = {number: self._key(number) for number, state in states.items() if state != "ended"}
        signing = next(number for number, state in states.items() if state == "signing")
        self._ring = Ring(
            current=key_id(keys[signing].public_key()),
            signing=keys[signing],
            verifying={key_id(key.public_key()): key.public_key() for key in keys.values()},
        )

    async def rotate(self, *, at_once: bool) -> Generation:
        """The next key. `at_once`: it signs now, and what older ones signed is worth nothing."""
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute("lock secrets.token_keys in exclusive mode")
            await connection.execute(_ROTATE, {"at_once": at_once})
        return (await self.all())[-1]

    async def all(self) -> Sequence[Generation]:
        """The oldest first."""
        return [
            Generation(
                number=number,
                key_id=key_id(self._key(number).public_key()),
                made_at=made_at,
                state=state,
            )
            for number, made_at, state in await self._generations()
        ]

    async def _generations(self) -> Sequence[tuple[int, datetime | None, str]]:
        parameters = {"spread": SPREAD, "lifetime": self._lifetime + SPREAD}
        rows = await self._database.rows(_GENERATIONS, parameters)
        return [(number, made_at, state) for number, made_at, state in rows]

    def _key(self, number: int) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self._instance.derived("tokens", number))


# The first key has no row: a fresh installation holds nothing, and a restored one what it had.
_ROTATE = """
    insert into secrets.token_keys (generation, alone)
    select coalesce(max(generation), 1) + 1, %(at_once)s from secrets.token_keys"""
_GENERATIONS = """
    with known as (
        select 1 as generation, null::timestamptz as made_at, '-infinity'::timestamptz as signs_at,
            false as alone
        union all
        select generation, made_at,
            made_at + case when alone then 0 else %(spread)s end * interval '1 second', alone
        from secrets.token_keys
    ), current as (
        select max(generation) as generation from known where signs_at <= now()
    ), succeeded as (
        select k.*, min(signs_at) over later as next_signs_at, bool_or(alone) over later as revoked
        from known k
        window later as (order by generation rows between 1 following and unbounded following)
    )
    select s.generation, made_at, case
        when s.generation = c.generation then 'signing'
        when s.generation > c.generation then 'coming'
        when revoked or next_signs_at + %(lifetime)s * interval '1 second' <= now() then 'ended'
        else 'verifying' end
    from succeeded s, current c order by s.generation"""
