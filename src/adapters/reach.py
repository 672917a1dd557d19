"""What of the gallery somebody may list, as conditions on its rows `i`.

They stand for the policy, so that pages are full and totals right; the policy is asked again of
every row that comes.
"""

from typing import Any

from projections.gallery import Query

ALIVE = "i.finalized and i.deleted_at is null and not i.quarantined"

_OWN = "i.owner_id = %(me)s"
_PUBLIC = "i.visibility = 'public' and i.cleared"
_BY_NAME = """i.collaborators <> '{}' and i.collaborators ? %(my_name)s
    and i.collaborators -> %(my_name)s ? 'view'"""
_BY_SHARE = """i.shares <> '{}' and i.shares @? %(made_out_to_me)s::jsonpath and exists (
    select from jsonb_path_query(i.shares, %(made_out_to_me)s::jsonpath) s
    where (s ->> 'expires_at')::timestamptz > now())"""
_LENT = f"i.cleared and (({_BY_NAME}) or ({_BY_SHARE}))"


def in_reach(query: Query) -> tuple[str, dict[str, Any]]:
    me = query.viewer.account_id
    parameters = {"me": me, "my_name": str(me), "made_out_to_me": _share_of(str(me))}
    if query.deleted:
        return f"{_OWN} and i.deleted_at is not null", parameters
    if query.shared:
        return f"{ALIVE} and i.owner_id <> %(me)s and {_LENT}", parameters
    lent = f" or ({_LENT})" if me else ""
    return f"{ALIVE} and ({_OWN} or ({_PUBLIC}){lent})", parameters


def _share_of(account: str) -> str:
    """A JSON path to the shares that are made out to an account and lend its view."""
    return (
        f'$.* ? (@.shared_with == "{account}" && @.revoked == false && @.permissions[*] == "view")'
    )
