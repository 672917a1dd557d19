"""Every place that holds something of an image or an account, and how it is cleared there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.sql import SQL, Identifier

from adapters.database import Database
from adapters.read_model import generation_lock
from adapters.rebuild import rebuild_lock
from commands.erasure import Erasure, Kind
from domain.ids import AccountId, AlbumId, ImageId
from projections.projection import Projection


class Keys:
    """The streams' keys. What was sealed with them is noise from here on, in backups too."""

    name = "keys"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def clear(self, erasure: Erasure) -> int:
        query = "delete from log.stream_keys where stream_id = %s"
        return await self._database.write(query, (erasure.subject,))


class Rows:
    """A read model: its projector removes the document; what it had to put aside goes too."""

    def __init__(self, database: Database, projection: Projection[Any]) -> None:
        self.name = f"read model {projection.name}"
        self._database = database
        self._projection = projection

    async def clear(self, erasure: Erasure) -> int | None:
        """None until the projector, and a rebuild where one runs, have passed the order."""
        name, table = self._projection.name, self._projection.table
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(
                "select pg_advisory_xact_lock_shared(hashtext(%s))", (generation_lock(name),)
            )
            names = {
                "schema": Identifier(name),
                "next": Identifier(f"{name}_next"),
                "old": Identifier(f"{name}_old"),  # where a rebuild was killed at its very end
            }
            cursor = await connection.execute(
                SQL(_PASSED).format(**names), (rebuild_lock(name), f"{name}_next")
            )
            row = await cursor.fetchone()
            if row is None or row[0] < erasure.position or not row[1]:
                return None
            if row[2]:  # of a rebuild that was broken off: it has to begin anew
                await connection.execute(SQL("drop schema {next} cascade").format(**names))
            await connection.execute(SQL("drop schema if exists {old} cascade").format(**names))
            for query in (_PARKED, _DOCUMENT):
                places = {"schema": Identifier(name), "table": Identifier(table)}
                await connection.execute(SQL(query).format(**places), (erasure.subject,))
        return 1


class Answers:
    """What was answered under an Idempotency-Key; a repeated request still creates nothing."""

    name = "idempotency records"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def clear(self, erasure: Erasure) -> int:
        query = _ANSWERS_OF_ACCOUNT if erasure.kind is Kind.ACCOUNT else _ANSWERS_ABOUT
        return await self._database.write(query, (erasure.subject,))


class Progress:
    """How far an upload in parts had come, with what its client said of it."""

    name = "upload ledger"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def clear(self, erasure: Erasure) -> int:
        query = "delete from uploads.ledger where image_id = %s"
        return await self._database.write(query, (erasure.subject,))


class Secrets:
    """Password hashes, sessions, API keys: every table of secrets that names an account."""

    name = "secrets"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def clear(self, erasure: Erasure) -> int:
        removed = 0
        for (table,) in await self._database.rows(_SECRETS):
            async with self._database.connection() as connection:
                cursor = await connection.execute(
                    SQL("delete from secrets.{0} where account_id = %s").format(Identifier(table)),
                    (erasure.subject,),
                )
                removed += cursor.rowcount
        return removed


class PostgresFamily:
    """The Family port, and that of Belongings."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def images(self, owner_id: AccountId) -> Sequence[ImageId]:
        rows = await self._database.rows(_IMAGES, {"owner": owner_id})
        return [ImageId(id) for (id,) in rows]

    async def duplicates(self, image_id: ImageId) -> Sequence[ImageId]:
        rows = await self._database.rows(_DUPLICATES, (image_id,))
        return [ImageId(id) for (id,) in rows]

    async def albums(self, owner_id: AccountId) -> Sequence[AlbumId]:
        rows = await self._database.rows(_ALBUMS, (owner_id,))
        return [AlbumId(id) for (id,) in rows]

    async def purged(self, owner_id: AccountId, since: int | datetime) -> Sequence[ImageId]:
        """Of the Belongings port."""
        column = "position" if isinstance(since, int) else "requested_at"
        query = _PURGED.format(column)
        rows = await self._database.rows(query, (owner_id, Kind.IMAGE.value, since))
        return [ImageId(id) for (id,) in rows]

    async def inside(self, album_id: AlbumId) -> Sequence[ImageId]:
        """Of the Belongings port."""
        rows = await self._database.rows(_INSIDE, (str(album_id),))
        return [ImageId(id) for (id,) in rows]

    async def memberships(self, account_id: AccountId) -> Sequence[UUID]:
        rows = await self._database.rows(_MEMBERSHIPS, (str(account_id),))
        return [id for (id,) in rows]

    async def reports(self, account_id: AccountId) -> Sequence[UUID]:
        rows = await self._database.rows(_REPORTS, (account_id,))
        return [id for (id,) in rows]

    async def erased(self, owner_id: AccountId, kind: Kind) -> tuple[int, int]:
        rows = await self._database.rows(_ERASED, (owner_id, kind.value))
        return rows[0][0], rows[0][1]


_PASSED = """
    select position, pg_try_advisory_xact_lock_shared(hashtext(%s)),
        to_regnamespace(%s) is not null
    from {schema}.position"""
_PARKED = "delete from {schema}.parked where stream_id = %s"
_DOCUMENT = "delete from {schema}.{table} where id = %s"
_ANSWERS_ABOUT = """
    update idempotency.records set answer = null, fingerprint = null, subjects = '{}',
        held_until = now()
    where subjects @> array[%s::uuid]"""
_ANSWERS_OF_ACCOUNT = "delete from idempotency.records where account_id = %s"
_SECRETS = """
    select table_name::text from information_schema.columns
    where table_schema = 'secrets' and column_name = 'account_id'"""
_IMAGES = """
    select id from gallery.images where owner_id = %(owner)s
    union select id from search.texts where owner_id = %(owner)s
    union select id from development.exposures where owner_id = %(owner)s"""
_ALBUMS = "select id from albums.albums where owner_id = %s"
_INSIDE = "select id from gallery.images where albums <> '{}' and albums ? %s"
_PURGED = "select subject from erasure.tasks where owner_id = %s and kind = %s and {} > %s"
_MEMBERSHIPS = "select id from organizations.organizations where members ? %s"
_REPORTS = "select id from reports.cases where reporter_id = %s"
_DUPLICATES = "select id from gallery.images where duplicate_of = %s"
_ERASED = """
    select count(completed_at), count(*) filter (where completed_at is null)
    from erasure.tasks where owner_id = %s and kind = %s"""
