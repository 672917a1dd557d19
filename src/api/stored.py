"""What is stored for somebody, part by part, as it counts against a quota; what came and left."""

from typing import Any

from api.parts import Parts
from domain.ids import AccountId
from projections.gallery import Tally


async def transferred(parts: Parts, owner_id: AccountId) -> dict[str, Any]:
    """In this month; a limit of null is none. What a CDN answers by itself is not seen here."""
    uploads = await parts.allowances.uploads(owner_id)
    downloads = await parts.allowances.downloads(owner_id)
    return {
        "uploadedBytes": uploads.used,
        "uploadLimitBytes": uploads.limit,
        "downloadedBytes": downloads.used,
        "downloadLimitBytes": downloads.limit,
        "egressCountedAt": "origin",
        "resetsIn": uploads.left,
    }


async def stored(parts: Parts, owner_id: AccountId, tally: Tally) -> dict[str, int]:
    derivatives = await parts.weights.of_owner(owner_id)
    return {
        "storageBytes": tally.storage_bytes,
        "originalsBytes": tally.storage_bytes,
        "derivativesBytes": derivatives,
        "reservedBytes": tally.reserved_bytes,
        "usedBytes": tally.storage_bytes + tally.reserved_bytes + derivatives,
    }
