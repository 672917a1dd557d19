"""How full everything is, and whether everything works: for administrators."""

from typing import Any

from litestar import get

from api.asking import MAX_LIMIT, Asked
from api.identity import Administrator, AnyRequest
from api.parts import Given
from domain.ids import to_text
from projections.quotas import Holder


@get("/v1/admin/quotas", tags=["administration"], summary="How full everything is")
async def quotas(request: AnyRequest, administrator: Administrator, parts: Given) -> dict[str, Any]:
    """The fullest accounts and organizations first; `service` is as in /health/ready."""
    asked = Asked(request)
    limit = asked.number("limit", 20, MAX_LIMIT)
    asked.check()
    found = await parts.quotas.overview(limit=limit)
    return {
        "holders": found.holders,
        "usedBytes": found.used,
        "derivativesBytes": found.derivatives,
        "quotaBytes": found.quota,
        "reached": {str(percent): count for percent, count in found.reached.items()},
        "fullest": [*map(_shown, found.fullest)],
        "service": await parts.health.ready(),
    }


def _shown(holder: Holder) -> dict[str, Any]:
    id = to_text("org" if holder.organization else "u", holder.id)
    return {
        "orgId" if holder.organization else "userId": id,
        "name": holder.name,
        "plan": holder.plan,
        "usedBytes": holder.used,
        "derivativesBytes": holder.derivatives,
        "quotaBytes": holder.quota,
        "percent": round(100 * holder.used / holder.quota, 1),
    }
