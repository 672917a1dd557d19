"""Whose turn it is to be developed, and what came of it: the desk of the darkroom, in Postgres."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

from adapters.database import Database
from adapters.read_model import Connection, generation_lock
from commands.lab import Traits
from domain.ids import ImageId
from domain.refusals import QuotaExceeded, Refusal, Unavailable
from projections import development
from projections.development import Developed, Exposure, Refined, unheard

T = TypeVar("T")

ATTEMPTS = 5
"""After so many failures an image stays as it is, with its reason, until somebody looks."""


class Desk:
    """One exposure at a time for each caller, its print in the same transaction.

    A worker that dies gives its exposure back at once: the row's lock goes with its connection.
    `give_up` is told of each that was tried for the last time, and why.
    """

    def __init__(
        self,
        database: Database,
        schema: str = development.NAME,
        *,
        give_up: Callable[[ImageId, str], Awaitable[object]] = unheard,
    ) -> None:
        self._database = database
        self._schema = schema
        self._give_up = give_up

    async def next(self, develop: Callable[[Exposure], Awaitable[Developed]]) -> bool:
        """Take the next exposure through `develop`. False if there is none."""
        return await self._turn(_NEXT, develop, self._developed)

    async def refine(self, refine: Callable[[Exposure], Awaitable[Refined]]) -> bool:
        """The same with what was developed, for what is made later. False if there is none."""
        return await self._turn(_COARSE, refine, self._refined)

    async def _turn(
        self,
        query: str,
        work: Callable[[Exposure], Awaitable[T]],
        keep: Callable[[Connection, Exposure, T], Awaitable[None]],
    ) -> bool:
        look = SQL("select exists (") + self._sql(query) + SQL(")")
        ((any_there,),) = await self._database.rows(look.as_string(None), (ATTEMPTS,))
        if not any_there:  # in one round trip: it is asked all the time
            return False
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(
                "select pg_advisory_xact_lock_shared(hashtext(%s))",
                (generation_lock(development.NAME),),
            )
            cursor = await connection.execute(self._sql(query + _LOCKED), (ATTEMPTS,))
            row = await cursor.fetchone()
            if row is None:
                return False
            *columns, attempts = row
            exposure = msgspec.convert(dict(zip(_EXPOSURE, columns, strict=True)), Exposure)
            try:
                made = await work(exposure)
            except Unavailable:
                raise
            except QuotaExceeded as refusal:
                await self._wait(connection, exposure, refusal)
                return True
            except Exception as error:  # one image must not keep the others waiting
                if query is _NEXT and attempts + 1 >= ATTEMPTS:
                    await self._give_up(exposure.id, getattr(error, "code", "internal"))
                await connection.execute(self._sql(_FAILED), (_reason(error), exposure.id))
                return True
            await keep(connection, exposure, made)
            await connection.execute(self._sql(_DONE), (exposure.id,))
            return True

    async def let_in(self) -> int:
        """Those that wait for room, where there is some by now. Returns how many."""
        async with self._database.connection() as connection:
            return (await connection.execute(self._sql(_LET_IN))).rowcount

    async def _wait(
        self, connection: Connection, exposure: Exposure, refusal: QuotaExceeded
    ) -> None:
        needed = refusal.facts["requestedBytes"]
        await connection.execute(self._sql(_PUT_ASIDE), (_reason(refusal), exposure.id))
        await connection.execute(_WAITING, (exposure.id, exposure.owner_id, needed))

    async def _developed(self, connection: Connection, exposure: Exposure, made: Developed) -> None:
        id = exposure.id
        await connection.execute(self._sql(_PRINT), _columns(id, made))
        traits = {"id": id} | msgspec.structs.asdict(made.traits)
        await connection.execute(self._sql(_TRAITS), traits)

    async def _refined(self, connection: Connection, exposure: Exposure, made: Refined) -> None:
        variants = Jsonb(msgspec.to_builtins(made.variants))
        await connection.execute(self._sql(_REFINED), (variants, exposure.id))

    def _sql(self, query: str) -> Any:
        return SQL(query).format(schema=Identifier(self._schema))


async def take_up_what_found_no_room(connection: Connection) -> None:
    """Where an older version gave up what there was no room for."""
    await connection.execute(_GIVEN_UP, (ATTEMPTS,))


class PostgresPrints:
    """The Prints port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def metadata(self, image_id: ImageId) -> dict[str, Any] | None:
        rows = await self._database.rows(
            "select metadata from development.prints where id = %s", (image_id,)
        )
        return rows[0][0] if rows else None

    async def metadata_of(self, ids: Sequence[ImageId]) -> Mapping[ImageId, dict[str, Any]]:
        query = "select id, metadata from development.prints where id = any(%s)"
        return {ImageId(id): it for id, it in await self._database.rows(query, (list(ids),))}

    async def traits(self, ids: Sequence[ImageId]) -> Mapping[ImageId, Traits]:
        query = "select * from development.traits where id = any(%s)"
        rows = await self._database.records(query, (list(ids),))
        return {ImageId(row.pop("id")): Traits(**row) for row in rows}


_EXPOSURE = ("id", "owner_id", "attempt", "format", "width", "height", "frames")
_NEXT = """
    select id, owner_id, attempt, format, width, height, frames, attempts from {schema}.exposures
    where format is not null and not developed and attempts < %s and not_before <= now()
    order by not_before, id limit 1"""
_COARSE = """
    select exposures.id, owner_id, attempt, format, width, height, frames, attempts
    from {schema}.exposures join {schema}.prints on prints.id = exposures.id
    where developed and not refined and attempts < %s and not_before <= now()
    order by not_before, exposures.id limit 1"""
_LOCKED = " for update of exposures skip locked"
_PRINT = """
    insert into {schema}.prints
        (id, recipe, placeholder, scrubbed, alpha, faithful, metadata, variants)
    values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (id) do update set
        recipe = excluded.recipe, placeholder = excluded.placeholder,
        scrubbed = excluded.scrubbed, alpha = excluded.alpha, faithful = excluded.faithful,
        metadata = excluded.metadata, variants = excluded.variants, refined = false"""
# Whoever comes second has looked before the first one's print was there, and adds nothing.
_REFINED = """
    update {schema}.prints set refined = true, variants = variants || %s
    where id = %s and not refined"""
_TRAITS = """
    insert into {schema}.traits (id, crc, scrubbed_size, scrubbed_crc, fingerprint)
    values (%(id)s, %(crc)s, %(scrubbed_size)s, %(scrubbed_crc)s, %(fingerprint)s)
    on conflict (id) do update set crc = excluded.crc, scrubbed_size = excluded.scrubbed_size,
        scrubbed_crc = excluded.scrubbed_crc, fingerprint = excluded.fingerprint"""
_DONE = """
    update {schema}.exposures
    set developed = true, attempts = 0, not_before = '-infinity', failure = null where id = %s"""
_FAILED = """
    update {schema}.exposures set attempts = attempts + 1, failure = %s,
        not_before = now() + interval '1 second' * power(4, attempts) where id = %s"""
_PUT_ASIDE = """
    update {schema}.exposures set failure = %s, not_before = 'infinity' where id = %s"""
_WAITING = """
    insert into derivatives.waiting (image_id, owner_id, bytes) values (%s, %s, %s)
    on conflict (image_id) do update set bytes = excluded.bytes"""
# The smallest first, and of each owner no more at once than there seems to be room for.
_LET_IN = """
    with fitting as (
        select w.image_id
        from (select distinct owner_id from derivatives.waiting) o
        left join log.quota_usage u on u.account_id = o.owner_id
        cross join lateral (
            select image_id, sum(bytes) over (order by bytes, image_id) as upto
            from derivatives.waiting where owner_id = o.owner_id
            order by bytes, image_id limit 100) w
        where u.quota is null or w.upto <= u.quota - u.used),
    let_in as (
        delete from derivatives.waiting
        where image_id in (select image_id from fitting) returning image_id)
    update {schema}.exposures set attempts = 0, not_before = now()
    where id in (select image_id from let_in)"""
_GIVEN_UP = """
    insert into derivatives.waiting (image_id, owner_id, bytes)
    select id, owner_id, 0 from development.exposures
    where developed and attempts >= %s and starts_with(failure, 'quota_exceeded')
    on conflict do nothing"""


def _reason(error: Exception) -> str:
    if isinstance(error, Refusal):
        return f"{error.code}: {error.facts}"
    return f"{type(error).__name__}: {error}"


def _columns(image_id: ImageId, developed: Developed) -> tuple[Any, ...]:
    return (
        image_id,
        developed.recipe,
        developed.placeholder,
        developed.scrubbed,
        developed.alpha,
        developed.faithful,
        Jsonb(msgspec.to_builtins(developed.metadata)),
        Jsonb(msgspec.to_builtins(developed.variants)),
    )
