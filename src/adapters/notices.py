"""The Notices port in Postgres, and who fills it from the log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from adapters.database import Database
from adapters.follower import Connection, Follower
from commands.erasure import Erasure, Kind
from commands.mail import Letters
from commands.ports import EventStore
from domain.ids import AccountId
from domain.stream import Recorded
from projections.notice_mail import written
from projections.notices import Board, Notice, reader, told, wanted


class PostgresNotices:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(
        self, account_id: AccountId, *, unread: bool, before: int | None, page: int, limit: int
    ) -> Board:
        asked = {"me": account_id, "unread": unread, "before": before, "limit": limit + 1}
        offset = 0 if before else (page - 1) * limit
        found = await self._database.records(_LIST, asked | {"offset": offset})
        ((total, left),) = await self._database.rows(_COUNT, (account_id,))
        return Board(
            notices=msgspec.convert(found[:limit], list[Notice]),
            more=len(found) > limit,
            total=left if unread else total,
            unread=left,
        )

    async def read(self, account_id: AccountId, id: UUID, now: datetime) -> datetime | None:
        rows = await self._database.changed(_READ, (now, id, account_id))
        return rows[0][0] if rows else None


class NoticeBoard:
    """Every notice is there once its event counts as read."""

    def __init__(self, follower: Follower, store: EventStore, letters: Letters) -> None:
        self._follower = follower
        self._store = store
        self._letters = letters

    async def work(self) -> int:
        return await self._follower.step(self._put_up)

    async def _put_up(self, connection: Connection, events: Sequence[Recorded[Any]]) -> None:
        for recorded in events:
            for notice in await told(recorded, self._store):
                account = await reader(notice.account_id, self._store)
                if account is None:
                    continue
                if wanted(notice, account):
                    await connection.execute(_PUT, msgspec.structs.asdict(notice))
                if letter := await written(notice, recorded, account, self._store):
                    await self._letters.post(letter)


class ToldNotices:
    """As a place of erasure: what was told to an account, or of an image."""

    name = "notices"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def clear(self, erasure: Erasure) -> int:
        column = "account_id" if erasure.kind is Kind.ACCOUNT else "stream_id"
        query = f"delete from reactors.notices where {column} = %s"  # noqa: S608 - ours
        return await self._database.write(query, (erasure.subject,))


_LIST = """
    select id, account_id, kind, stream_id, position, at, read_at from reactors.notices
    where account_id = %(me)s and (not %(unread)s or read_at is null)
        and (%(before)s::bigint is null or position < %(before)s)
    order by position desc, id desc limit %(limit)s offset %(offset)s"""
_COUNT = """
    select count(*), count(*) filter (where read_at is null) from reactors.notices
    where account_id = %s"""
_READ = """
    update reactors.notices set read_at = coalesce(read_at, %s)
    where id = %s and account_id = %s returning read_at"""
_PUT = """
    insert into reactors.notices (id, account_id, kind, stream_id, position, at)
    values (%(id)s, %(account_id)s, %(kind)s, %(stream_id)s, %(position)s, %(at)s)
    on conflict do nothing"""
