"""Images by how often they were seen: first those that were, along their index; then the others.

An image that nobody saw has no row among the counts, so neither half alone is the whole order.
"""

from datetime import date, timedelta

from adapters.database import Database
from projections.gallery import Period

RANKED = """(
    with seen as materialized (
        select c.image_id as id, c.views from {counts} c
        join gallery.images i on i.id = c.image_id
        where c.views > 0{owner} and {where}{seen_beyond}
        order by c.views desc, c.image_id desc limit %(most)s),
    unseen as (
        select i.id, 0::bigint as views from gallery.images i
        where (select count(*) from seen) < %(most)s and {where}{unseen_beyond}
        and not exists (
            select from {counts} c where c.image_id = i.id and c.views > 0{owner})
        order by i.id desc limit %(most)s)
    select * from seen union all select * from unseen) r"""

FEW = """(
    select i.id, coalesce(c.views, 0) as views from gallery.images i
    left join {counts} c on c.image_id = i.id where {where}) r"""


def ranked(where: str, period: Period | None, *, of_owner: bool, beyond: bool) -> str:
    """Rows (id, views) of as many as `most` that meet the condition, the most viewed first.

    With `beyond`, only those after the row of which `key` and `id` tell views and id.
    """
    return RANKED.format(
        counts=_counts(period),
        where=where,
        owner=" and c.owner_id = %(owner)s" if of_owner else "",
        seen_beyond=" and (c.views, c.image_id) < (%(key)s::bigint, %(id)s::uuid)"
        if beyond
        else "",
        unseen_beyond=" and (0, i.id) < (%(key)s::bigint, %(id)s::uuid)" if beyond else "",
    )


def counted(where: str, period: Period | None) -> str:
    """The same rows of all that meet the condition, where these are few."""
    return FEW.format(counts=_counts(period), where=where)


def _counts(period: Period | None) -> str:
    if period is None:
        return "counting.images"
    return f"(select * from counting.recent where period = '{period}')"  # noqa: S608 - one of three


async def recount(database: Database, today: date) -> bool:
    """Once a day, what has left the periods leaves the counts. Returns whether it did."""
    async with database.connection() as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock(hashtext('counting'))")
        cursor = await connection.execute(_DAY, (today,))
        if not cursor.rowcount:
            return False
        await connection.execute("delete from counting.recent")
        for period in Period:
            first = today - timedelta(days=period.days - 1)
            await connection.execute(_RECOUNT, (period.value, first))
        return True


_DAY = """
    insert into counting.recounted as r (day) values (%s)
    on conflict (single) do update set day = excluded.day where r.day <> excluded.day"""
_RECOUNT = """
    insert into counting.recent (period, image_id, owner_id, views)
    select %s, d.image_id, i.owner_id, sum(d.views) from counting.days d
    join counting.images i on i.image_id = d.image_id
    where d.day >= %s group by d.image_id, i.owner_id having sum(d.views) > 0"""
