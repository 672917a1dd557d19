"""Plans are data: what an account may, by the name of its plan."""

from collections.abc import Mapping
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

_Bytes: TypeAlias = Annotated[int, Meta(ge=0, le=2**62)]

THRESHOLDS = (80, 95, 100)
"""Per cent of the quota at which the owner is told."""
SLACK = 10
"""Per cent below a threshold from which on it is worth telling again."""


def crossed(reached: int, *, used: int, quota: int) -> tuple[list[int], int | None]:
    """Thresholds that were passed upwards; or the highest that is still reached, where it is less.

    `reached` is the one that was noted last.
    """
    percent = used * 100 / quota if quota else (100 if used else 0)
    if up := [it for it in THRESHOLDS if reached < it <= percent]:
        return up, None
    still = max((it for it in THRESHOLDS if it <= reached and percent > it - SLACK), default=0)
    return [], still if still < reached else None


class Plan(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    storage_bytes: _Bytes = 10 * 1024**3
    file_bytes: Annotated[int, Meta(ge=1, le=2**62)] | None = None
    """Of one upload; None: as large as the installation takes at all."""
    upload_bytes: Annotated[int, Meta(ge=1, le=2**62)] | None = None
    """That may come in in a calendar month (UTC); None: any number."""
    download_bytes: Annotated[int, Meta(ge=1, le=2**62)] | None = None
    """That may leave, of all that the owner has, likewise."""
    requests_per_minute: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 6_000
    retention_days: Annotated[int, Meta(ge=0, le=36_500)] = 30
    """How long a deleted image can be restored."""


FREE = Plan(upload_bytes=100 * 1024**3, download_bytes=1024**4)
PREMIUM = Plan(
    storage_bytes=1024**4,
    upload_bytes=4 * 1024**4,
    download_bytes=16 * 1024**4,
    requests_per_minute=30_000,
    retention_days=90,
)


def merged(base: Mapping[str, Plan], changes: str) -> Mapping[str, Plan]:
    """`changes` is JSON: by plan, old or new, the figures that differ. Raises ValidationError."""
    found = msgspec.json.decode(changes or "{}", type=dict[str, dict[str, int]])
    plans = dict(base)
    for name, figures in found.items():
        before = msgspec.to_builtins(plans.get(name, FREE))
        plans[name] = msgspec.convert(before | figures, Plan)
    return plans
