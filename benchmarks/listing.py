"""listing: lists and searches over many images, at the first page and far behind it."""

import asyncio
import itertools
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from random import Random
from statistics import median
from typing import Any

from adapters.gallery import PostgresGallery
from adapters.search import PostgresSearch
from benchmarks.measure import Figure, percentile
from benchmarks.rig import Rig, Run
from benchmarks.texts import KINDS, Text
from bootstrap import Core, seeding
from bootstrap.upkeep import rebuild
from domain.access import Viewer
from domain.ids import NOBODY, AccountId
from projections.gallery import Query, Sort

IMAGES = int(os.environ.get("DARKROOM_BENCH_IMAGES", "100000"))
OWNERS, DEPTH, ROUNDS = 1_000, 10_000, 40
LIST, SEARCH = 20, 50
"""Milliseconds that the 95th percentile may take."""
WHAT = f"lists and searches over {IMAGES:,} images of {OWNERS:,} owners, by cursor to {DEPTH:,}"

_VIEWED = """
    insert into counting.images
    select id, owner_id, (random() * 1000)::int, 0, 0, 0, 0, 0, 0, 0, 0 from gallery.images
    where random() < 0.3"""


def run(rig: Rig) -> Iterator[Figure]:
    settings = rig.new_settings()
    rig.step("seeding")
    asyncio.run(seeding.seed(settings, IMAGES, OWNERS, 1, originals=False))
    rig.step("building read models")
    asyncio.run(rebuild(settings, ["accounts", "gallery", "search"], lambda *_: None))
    with rig.core(settings) as (core, wait):
        wait(core.database.run(_VIEWED))
        wait(core.database.run("vacuum analyze"))
        owners = wait(_owners(core))
        for name, asked in _lists(owners[0]).items():
            rig.step(name)
            yield from _listed(core, wait, name, asked)
        rig.step("search")
        yield from _searched(core, wait, owners)


def _lists(owner: AccountId) -> dict[str, dict[str, Any]]:
    return {
        "newest": {},
        "most viewed": {"sort": Sort.MOST_VIEWED},
        "of a user": {"owner": owner},
        "with a rare tag": {"tags": ["bridge-2025"]},
        "with a common tag": {"tags": ["lake"]},
        "with a tag, of a user": {"owner": owner, "tags": ["lake"]},
    }


def _listed(core: Core, wait: Run, name: str, asked: dict[str, Any]) -> Iterator[Figure]:
    gallery = PostgresGallery(core.database, core.store)
    query = Query(viewer=Viewer(account_id=None), limit=20, **asked)
    yield _figure(f"{name}, first page", wait(_times(lambda: gallery.list(query))), LIST)
    cursor = wait(_deep(gallery, query))
    if cursor:
        deep = Query(viewer=query.viewer, limit=20, cursor=cursor, **asked)
        yield _figure(f"{name}, at depth", wait(_times(lambda: gallery.list(deep))), LIST)


def _searched(core: Core, wait: Run, owners: Sequence[AccountId]) -> Iterator[Figure]:
    """Every search has other words than the last, and another viewer: somebody of whom nothing is
    known, and owners, who find what is theirs alone, too."""
    search, chosen, all_times = PostgresSearch(core.database, core.store), Random(1), list[float]()  # noqa: S311 - no secret
    for kind, text in KINDS.items():
        viewers = itertools.chain.from_iterable((None, owner) for owner in itertools.cycle(owners))

        def find(
            viewers: Iterator[AccountId | None] = viewers, text: Text = text
        ) -> Awaitable[Any]:
            viewer = Viewer(account_id=next(viewers))
            return search.find(text(chosen), viewer=viewer, limit=20, page=1)

        times = wait(_times(find))
        all_times += times
        yield _figure(f"search, {kind}", times, SEARCH)
    yield _figure(f"search, these {len(KINDS)} kinds", all_times, SEARCH)


def _figure(what: str, times: Sequence[float], most: int) -> Figure:
    label = f"{what}, p95 (p50 {median(times):.1f})"
    return Figure(what=label, measured=percentile(times, 95), unit="ms", most=most)


async def _times(work: Callable[[], Awaitable[Any]]) -> list[float]:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await work()
        times.append(1000 * (time.perf_counter() - began))
    return times


async def _deep(gallery: PostgresGallery, query: Query) -> str | None:
    """The cursor behind DEPTH rows, or behind the last page but one."""
    cursor = None
    for _ in range(DEPTH // 500):
        asked = Query(
            viewer=query.viewer,
            owner=query.owner,
            tags=query.tags,
            sort=query.sort,
            limit=500,
            cursor=cursor,
        )
        page = await gallery.list(asked)
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    return cursor


async def _owners(core: Core) -> Sequence[AccountId]:
    rows = await core.database.rows(
        "select account_id from gallery.usage where withheld > 0 and account_id <> %s limit 50",
        (NOBODY,),
    )
    return [AccountId(id) for (id,) in rows]
