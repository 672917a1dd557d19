"""Images by how often they were seen: first those that were, along their index; then the others.

An image that nobody saw has no row among the counts, so neither half alone is the whole order.
"""

RANKED = """(
    with seen as materialized (
        select c.image_id as id, c.views from counting.images c
        join gallery.images i on i.id = c.image_id
        where c.views > 0{owner} and {where}{seen_beyond}
        order by c.views desc, c.image_id desc limit %(most)s),
    unseen as (
        select i.id, 0::bigint as views from gallery.images i
        where (select count(*) from seen) < %(most)s and {where}{unseen_beyond}
        and not exists (
            select from counting.images c where c.image_id = i.id and c.views > 0{owner})
        order by i.id desc limit %(most)s)
    select * from seen union all select * from unseen) r"""


def ranked(where: str, *, of_owner: bool, beyond: bool) -> str:
    """Rows (id, views) of as many as `most` that meet the condition, the most viewed first.

    With `beyond`, only those after the row of which `key` and `id` tell views and id.
    """
    return RANKED.format(
        where=where,
        owner=" and c.owner_id = %(owner)s" if of_owner else "",
        seen_beyond=" and (c.views, c.image_id) < (%(key)s::bigint, %(id)s::uuid)"
        if beyond
        else "",
        unseen_beyond=" and (0, i.id) < (%(key)s::bigint, %(id)s::uuid)" if beyond else "",
    )
