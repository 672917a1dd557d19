"""What is stored for somebody, part by part, as it counts against a quota."""

from api.parts import Parts
from domain.ids import AccountId
from projections.gallery import Tally


async def stored(parts: Parts, owner_id: AccountId, tally: Tally) -> dict[str, int]:
    derivatives = await parts.weights.of_owner(owner_id)
    return {
        "storageBytes": tally.storage_bytes,
        "originalsBytes": tally.storage_bytes,
        "derivativesBytes": derivatives,
        "reservedBytes": tally.reserved_bytes,
        "usedBytes": tally.storage_bytes + tally.reserved_bytes + derivatives,
    }
