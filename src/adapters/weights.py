"""The Weights port: bytes that are stored of images beside their originals, by image and owner."""

from collections.abc import Mapping, Sequence

from adapters.database import Database
from adapters.read_model import Connection
from commands.erasure import Erasure
from domain.ids import AccountId, ImageId


class PostgresWeights:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(
        self, image_id: ImageId, owner_id: AccountId, prints: Mapping[str, int]
    ) -> frozenset[str]:
        asked = (image_id, owner_id, [*prints], [*prints.values()])
        ((kept,),) = await self._database.rows(_KEEP, asked)
        return frozenset(kept)

    async def outgrown(self, image_id: ImageId, recipe: str) -> Sequence[str]:
        rows = await self._database.rows(_OUTGROWN, (image_id, f"{recipe}/"))
        return [name for (name,) in rows]

    async def drop(self, image_id: ImageId, names: Sequence[str]) -> None:
        await self._database.write(_DROP, {"names": list(names), "image": image_id})

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
        return await self._database.write(_FORGET, {"image": erasure.subject})


async def weigh_what_is_there(connection: Connection) -> None:
    """For an installation that did not weigh before."""
    await connection.execute(_PRINTED)
    await connection.execute(_TRANSFORMED)


_KEEP = "select derivatives.keep(%s, %s, %s::text[], %s::bigint[])"
_OUTGROWN = """
    select name from derivatives.weights w, jsonb_object_keys(w.prints) name
    where w.image_id = %s and not starts_with(name, %s)"""
_DROP = """
    update derivatives.weights set prints = prints - %(names)s::text[],
        printed = derivatives.total(prints - %(names)s::text[])
    where image_id = %(image)s"""
_FORGET = """
    with waited as (delete from derivatives.waiting where image_id = %(image)s)
    delete from derivatives.weights where image_id = %(image)s"""
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
