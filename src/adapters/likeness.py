"""The Likenesses port: Hamming distance in Postgres, exact and by indexes.

Of two fingerprints that differ in at most 4 n + 3 bits, some quarter differs in at most n. So all
that can be near has a quarter among a few hundred known ones: n of 16 bits, each by its index.
"""

from itertools import combinations

from adapters.database import Database
from adapters.exhibits import COLUMNS, PRINTS, WIDTH, Exhibits
from adapters.reach import in_reach
from commands.ports import EventStore
from domain.access import Viewer
from domain.ids import ImageId
from projections.gallery import Query
from projections.likeness import Like, Likes

_BITS, _MASK = 16, 0xFFFF
_SHIFTS = (48, 32, 16, 0)


class PostgresLikenesses:
    def __init__(self, database: Database, store: EventStore) -> None:
        self._database = database
        self._exhibits = Exhibits(store)

    async def of(
        self, image_id: ImageId, viewer: Viewer, *, within: int, limit: int, page: int
    ) -> Likes:
        fingerprint = await self._fingerprint(image_id)
        if fingerprint is None:
            return Likes()
        reach, parameters = in_reach(Query(viewer=viewer))
        parameters |= {"id": image_id, "mine": fingerprint, "within": within}
        parameters |= {"limit": limit, "offset": (page - 1) * limit}
        parameters |= quarters(fingerprint, within)
        rows = await self._database.rows(_NEAR.format(reach=reach), parameters)
        shown = [row for row in rows if row[WIDTH] is not None]
        found = [(await self._exhibits.listed(row), row[WIDTH]) for row in shown]
        likes = [Like(exhibit=exhibit, distance=it) for exhibit, it in found if exhibit]
        return Likes(found=likes, total=rows[0][WIDTH + 1])

    async def _fingerprint(self, image_id: ImageId) -> int | None:
        query = "select fingerprint from development.traits where id = %s"
        rows = await self._database.rows(query, (image_id,))
        return rows[0][0] if rows else None


def quarters(fingerprint: int, within: int) -> dict[str, list[int]]:
    """What QUARTERS asks for."""
    return {f"quarter_{shift}": near(fingerprint, shift, within) for shift in _SHIFTS}


def near(fingerprint: int, shift: int, within: int) -> list[int]:
    """What the quarter at `shift` may be in something that differs in `within` bits at most."""
    quarter = fingerprint >> shift & _MASK
    flips = [
        sum(bits)
        for number in range(within // len(_SHIFTS) + 1)
        for bits in combinations([1 << bit for bit in range(_BITS)], number)
    ]
    return [quarter ^ flip for flip in flips]


QUARTERS = " or ".join(
    f"(t.fingerprint {f'>> {shift} ' if shift else ''}& 65535) = any(%(quarter_{shift})s::bigint[])"
    for shift in _SHIFTS
)
_NEAR = f"""
    with near as materialized (
        select t.id, bit_count((t.fingerprint # %(mine)s::bigint)::bit(64)) as distance
        from development.traits t where ({QUARTERS}) and t.id <> %(id)s
        and bit_count((t.fingerprint # %(mine)s::bigint)::bit(64)) <= %(within)s),
    found as materialized (
        select i.id, n.distance from near n join gallery.images i on i.id = n.id where {{reach}}),
    shown as (select * from found order by distance, id limit %(limit)s offset %(offset)s)
    select {COLUMNS}, s.distance, counted.total
    from (select count(*) as total from found) counted left join shown s on true
    left join gallery.images i on i.id = s.id {PRINTS}
    order by s.distance, i.id"""  # noqa: S608 - our own words
"""One row at least, which has the total, if nothing else."""
