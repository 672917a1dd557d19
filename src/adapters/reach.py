"""What of the gallery, and of the albums, somebody may list: conditions on their rows `i`.

They stand for the policy, so that pages are full and totals right; the policy is asked again of
every row that comes.
"""

from typing import Any

from projections.albums import AlbumQuery
from projections.gallery import Query

ALIVE = "i.finalized and i.deleted_at is null"

_OWN = "i.owner_id = %(me)s"
_SHOWN = "i.cleared and not i.taken_down"
"""To others than those who own it. What is in quarantine is not cleared."""
_PUBLIC = f"i.visibility = 'public' and {_SHOWN}"
_BY_NAME = """{0}.collaborators <> '{{}}' and {0}.collaborators ? %(my_name)s
    and {0}.collaborators -> %(my_name)s ? 'view'"""
_BY_SHARE = """i.shares <> '{}' and i.shares @? %(made_out_to_me)s::jsonpath and exists (
    select from jsonb_path_query(i.shares, %(made_out_to_me)s::jsonpath) s
    where (s ->> 'expires_at')::timestamptz > now())"""
_GOVERNING = "o.members ->> %(my_name)s in ('owner', 'admin')"
_MY_ORGANIZATIONS = """array(
    select o.id from organizations.organizations o where o.members ? %(my_name)s{0})"""
_BY_OFFICE = f"""i.owner_id <> i.uploader_id
    and i.owner_id = any({_MY_ORGANIZATIONS.format(f" and {_GOVERNING}")})"""
_BY_TEAM = f"""{{0}}.team_id is not null
    and {{0}}.owner_id = any({_MY_ORGANIZATIONS.format("")}) and exists (
        select from organizations.organizations o where o.id = {{0}}.owner_id and ({_GOVERNING}
        or o.teams #> array[{{0}}.team_id::text, 'members'] ? %(my_name)s))"""
_LENT_ALBUMS = f"({_BY_NAME}) or ({_BY_TEAM})"
_BY_ALBUM = f"""i.albums <> '{{}}' and i.albums ?| array(select a.id::text
    from albums.albums a where a.owner_id = %(me)s or {_LENT_ALBUMS.format("a")})"""
_LENT = f"{_SHOWN} and (({_BY_NAME.format('i')}) or ({_BY_SHARE}) or ({_BY_ALBUM}))"
_BEYOND = f"({_LENT}) or ({_BY_OFFICE})"

AUDIENCE = f"""
    select a.id, true from albums.albums a
    where a.owner_id = %(me)s or {_LENT_ALBUMS.format("a")}
    union all
    select o.id, false from organizations.organizations o
    where o.members ? %(my_name)s and {_GOVERNING}"""
"""In whose name somebody may find images beside their own: albums (true), organizations (false)."""


def in_reach(query: Query) -> tuple[str, dict[str, Any]]:
    me = query.viewer.account_id
    parameters = {"me": me, "my_name": str(me), "made_out_to_me": _share_of(str(me))}
    if query.deleted:
        return f"({_OWN} or ({_BY_OFFICE})) and i.deleted_at is not null", parameters
    if query.shared:
        return f"{ALIVE} and i.owner_id <> %(me)s and {_LENT}", parameters
    if query.lent:
        return f"{ALIVE} and ({_OWN} or ({_SHOWN}))", parameters
    mine = f" or {_OWN} or {_BEYOND}" if me else ""
    return f"{ALIVE} and (({_PUBLIC}){mine})", parameters


def lent(query: Query) -> str:
    """Of what `in_reach` lets somebody list without filters, what neither everybody may nor whoever
    owns it: little."""
    if query.viewer.account_id is None:
        return "false"
    return f"{ALIVE} and not ({_PUBLIC}) and not ({_OWN}) and ({_BEYOND})"


def albums_in_reach(query: AlbumQuery) -> tuple[str, dict[str, Any]]:
    me = query.viewer.account_id
    parameters = {"me": me, "my_name": str(me), "owner": query.owner, "parent": query.parent}
    lent = _LENT_ALBUMS.format("i")
    reach = f"i.owner_id <> %(me)s and ({lent})"
    if not query.shared:
        reach = f"({_OWN} or i.visibility = 'public' or {lent})"
    if query.owner:
        reach += " and i.owner_id = %(owner)s"
    if query.parent:
        reach += " and i.parent_id = %(parent)s"
    return reach, parameters


def _share_of(account: str) -> str:
    """A JSON path to the shares that are made out to an account and lend its view."""
    return (
        f'$.* ? (@.shared_with == "{account}" && @.revoked == false && @.permissions[*] == "view")'
    )
