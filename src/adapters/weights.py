"""The Weights port: bytes that are stored of images beside their originals, by image and owner."""

from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb

from adapters.database import Database
from adapters.read_model import Connection
from commands.erasure import Erasure
from domain.ids import AccountId, ImageId


class PostgresWeights:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, image_id: ImageId, owner_id: AccountId, prints: Mapping[str, int]) -> None:
        async with self._database.connection() as connection:
            await weigh(connection, image_id, owner_id, prints)

    async def of_owner(self, owner_id: AccountId) -> int:
        query = "select bytes from log.derived_usage where account_id = %s"
        rows = await self._database.rows(query, (owner_id,))
        return int(rows[0][0]) if rows else 0


class Weighed:
    """A place that holds something of an image: what its prints weigh."""

    name = "derivative weights"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def clear(self, erasure: Erasure) -> int:
        query = "delete from derivatives.weights where image_id = %s returning 1"
        return len(await self._database.rows(query, (erasure.subject,)))


async def weigh(
    connection: Connection, image_id: ImageId, owner_id: AccountId, prints: Mapping[str, int]
) -> None:
    """In the transaction of who made them, by the ends of their keys; the same again counts once.

    Nothing of an image that is being purged: its key is waited for, so that nothing comes behind.
    """
    asked: dict[str, Any] = {"image": image_id, "owner": owner_id, "prints": Jsonb(dict(prints))}
    await connection.execute(_WEIGH, asked)


async def weigh_what_is_there(connection: Connection) -> None:
    """For an installation that did not weigh before."""
    await connection.execute(_PRINTED)
    await connection.execute(_TRANSFORMED)


_SUM = "(select coalesce(sum(value::bigint), 0) from jsonb_each_text({0}))"
_WEIGH = f"""
    insert into derivatives.weights as w (image_id, owner_id, prints, printed)
    select %(image)s, %(owner)s, %(prints)s, {_SUM.format("%(prints)s::jsonb")}
    from log.stream_keys where stream_id = %(image)s for key share
    on conflict (image_id) do update set prints = w.prints || excluded.prints,
        printed = {_SUM.format("w.prints || excluded.prints")}""".encode()  # noqa: S608 - our own words
_PRINTED = """
    insert into derivatives.weights (image_id, owner_id, prints, printed)
    select id, owner_id, jsonb_object_agg(name, size), sum(size) from (
        select e.id, e.owner_id, (v ->> 'size')::bigint as size, p.recipe || '/' || (v ->> 'rung')
            || '.' || replace(v ->> 'format', 'jpeg', 'jpg') as name
        from development.prints p join development.exposures e on e.id = p.id
        cross join jsonb_array_elements(p.variants) v
        union all
        select e.id, e.owner_id, t.scrubbed_size, p.recipe || '/scrubbed'
        from development.prints p join development.exposures e on e.id = p.id
        join development.traits t on t.id = p.id where t.scrubbed_size is not null) stored
    where not exists (select from derivatives.weights)
    group by id, owner_id"""
_TRANSFORMED = """
    update derivatives.weights w set transformed = m.size
    from (select image_id, sum(size)::bigint as size from transforms.made group by image_id) m
    where m.image_id = w.image_id and w.transformed = 0 and m.size > 0"""
