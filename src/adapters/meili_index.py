"""What keeps Meilisearch's index up to date, makes it anew beside the old one, and forgets."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
from meilisearch.index import Index
from meilisearch.models.task import TaskInfo

from adapters import metrics
from adapters.database import Database
from adapters.meili import IndexMissing, Meili
from adapters.meili_documents import document
from commands.erasure import Erasure
from projections.gallery import Card

PAGE, TOGETHER = 250, 40
"""Documents in a request, and requests whose tasks are awaited together. A server takes requests of
100 MB, and a long Chinese description makes 0.2 MB of a document."""
_CARD = msgspec.json.Decoder(Card)


class Indexer:
    """Behind the gallery by as little as can be; two at once do the same twice."""

    def __init__(
        self, meili: Meili, uid: str, database: Database, settings: dict[str, Any]
    ) -> None:
        self._meili = meili
        self._uid = uid
        self._database = database
        self._settings = settings
        self._checked = False

    async def work(self) -> int:
        """Take in what is new in the gallery. Returns how many images that were.

        Raises Unavailable. An index that was wiped, or is set up differently, is made anew.
        """
        try:
            if not self._checked:
                await self._check()
            async with self._alone("follow"):  # nothing goes into an index while it is swapped
                return await self._follow()
        except IndexMissing:
            self._checked = False
            await self.rebuild()
            return 1

    async def rebuild(self, report: Callable[[int], None] = lambda _: None) -> int:
        """Fill another index and swap: who searches meanwhile sees the old one, then the new one.

        What changed since it began is taken in again behind it. Two at once do it one after the
        other: they fill the same index.
        """
        async with self._alone("rebuild"):
            return await self._rebuilt(report)

    async def _rebuilt(self, report: Callable[[int], None]) -> int:
        ((began,),) = await self._database.rows("select position from gallery.position")
        following = f"{self._uid}-next"
        await self._drop(following)
        await self._create(following)
        await self._do(following, [lambda it: it.update_settings(self._settings)])
        count = await self._fill(following, report)
        async with self._alone("follow"):
            await self._swap(following)
            await self._database.write(_BACK, (began,))
        await self._drop(following)
        self._checked = True
        return count

    async def forget(self, ids: Collection[UUID]) -> None:
        """They are in it no more when it returns."""
        keys = [id.hex for id in ids]
        try:
            await self._do(self._uid, [_removing(keys)])
        except IndexMissing:
            return

    @asynccontextmanager
    async def _alone(self, work: str) -> AsyncIterator[None]:
        """Of all processes."""
        async with await self._database.connect() as connection:
            await connection.execute(
                "select pg_advisory_lock(hashtext(%s))", (f"{self._uid}: {work}",)
            )
            yield

    async def _check(self) -> None:
        known = await self._meili.index(self._uid, lambda it: it.get_settings())
        ours = {name: known.get(name) for name in self._settings}
        if not _same(ours, self._settings):
            raise IndexMissing
        self._checked = True

    async def _follow(self) -> int:
        rows = await self._database.rows(_CHANGED, {"limit": PAGE})
        before, upto = rows[0][0], rows[0][1]
        ids = [id for _, _, id in rows if id]
        if upto is None:
            return 0
        await self._take_in(self._uid, await self._cards("i.id = any(%(ids)s)", ids=ids), ids)
        await self._database.write(_TAKEN, (upto, before))
        return len(ids)

    async def _take_in(self, uid: str, cards: Sequence[Card], ids: Sequence[UUID]) -> None:
        found = {card.id: made for card in cards if (made := document(card))}
        documents, gone = list(found.values()), [id.hex for id in ids if id not in found]
        calls: list[Callable[[Index], TaskInfo]] = []
        if documents:
            calls.append(_adding(documents))
        if gone:
            calls.append(_removing(gone))
        await self._do(uid, calls)
        metrics.INDEXED.inc(len(documents))

    async def _fill(self, uid: str, report: Callable[[int], None]) -> int:
        last, count, tasks = UUID(int=0), 0, list[TaskInfo]()
        where = "i.id > %(last)s order by i.id limit %(limit)s"
        while cards := await self._cards(where, last=last, limit=PAGE):
            documents = [made for card in cards if (made := document(card))]
            last, count = cards[-1].id, count + len(documents)
            if documents:
                tasks.append(await self._meili.index(uid, _adding(documents)))
            if len(tasks) == TOGETHER:
                await self._meili.done(tasks)
                tasks = []
            report(count)
        await self._meili.done(tasks)
        return count

    async def _swap(self, following: str) -> None:
        """Where there is none to swap with, one is made that has no settings: it refuses searches,
        so that Postgres answers, and not an empty index."""
        try:
            await self._meili.client(lambda it: it.get_raw_index(self._uid))
        except IndexMissing:
            await self._create(self._uid)
        pair: list[Mapping[str, list[str] | bool]] = [{"indexes": [self._uid, following]}]
        await self._meili.done([await self._meili.client(lambda it: it.swap_indexes(pair))])

    async def _create(self, uid: str) -> None:
        made = await self._meili.client(lambda it: it.create_index(uid, {"primaryKey": "id"}))
        await self._meili.done([made])

    async def _drop(self, uid: str) -> None:
        try:
            await self._meili.done([await self._meili.client(lambda it: it.delete_index(uid))])
        except IndexMissing:
            return

    async def _do(self, uid: str, calls: Sequence[Callable[[Index], TaskInfo]]) -> None:
        await self._meili.done([await self._meili.index(uid, call) for call in calls])

    async def _cards(self, where: str, **asked: Any) -> Sequence[Card]:
        query = f"select row_to_json(i)::text from gallery.images i where {where}"  # noqa: S608 - our own words
        return [_CARD.decode(text) for (text,) in await self._database.rows(query, asked)]


class Indexed:
    """A place that holds something of an image."""

    name = "meilisearch"

    def __init__(self, indexer: Indexer) -> None:
        self._indexer = indexer

    async def clear(self, erasure: Erasure) -> int:
        await self._indexer.forget([erasure.subject])
        return 1


def _adding(documents: list[dict[str, Any]]) -> Callable[[Index], TaskInfo]:
    return lambda it: it.add_documents(documents, primary_key="id")


def _removing(ids: Sequence[str]) -> Callable[[Index], TaskInfo]:
    return lambda it: it.delete_documents(filter=f"id IN [{', '.join(ids)}]")


def _same(known: Any, wanted: Any) -> bool:
    """The server adds what we do not set."""
    if isinstance(wanted, dict):
        return isinstance(known, dict) and all(_same(known.get(k), v) for k, v in wanted.items())
    return bool(known == wanted or (not known and not wanted))


_CHANGED = """
    with progress as (select position from searching.progress),
    behind as (select position from gallery.position),
    events as (
        select e.notification_id, e.originator_id from log.darkroom_events e
        where e.notification_id > (select position from progress)
        and e.notification_id <= (select position from behind)
        and starts_with(e.topic, 'image.') order by e.notification_id limit %(limit)s),
    page as (
        select case when count(*) = %(limit)s then max(notification_id)
            else nullif((select position from behind), (select position from progress)) end as upto
        from events)
    select (select position from progress), (select upto from page), ids.id
    from (select null::uuid as id union select originator_id from events) ids"""
_TAKEN = "update searching.progress set position = %s where position = %s"
_BACK = "update searching.progress set position = %s"
