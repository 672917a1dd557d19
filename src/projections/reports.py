"""Reports of abuse, as those who judge them read them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.abuse_report import Reason, ReportErased, ReportFiled, ReportResolved, Resolution
from domain.ids import AccountId, ImageId
from domain.stream import Recorded

NAME = "reports"
STREAMS = frozenset({"report"})


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One report. Its fields are the columns of reports.cases."""

    id: UUID
    version: int
    image_id: ImageId
    reason: Reason
    details: str
    email: str | None
    reporter_id: AccountId
    """NOBODY, where who filed it had not signed in."""
    filed_at: datetime
    resolution: Resolution | None = None
    resolved_by: AccountId | None = None
    resolved_at: datetime | None = None
    verdict: str = ""


class Docket(msgspec.Struct, frozen=True, kw_only=True):
    cases: Sequence[Case]
    total: int
    next_cursor: str | None


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Everything given must match."""

    resolved: bool | None = None
    image_id: ImageId | None = None
    limit: int = 20
    page: int = 1
    cursor: str | None = None
    """As given by an earlier page; then `page` does not count."""


class Cases(Protocol):
    """The read port."""

    async def find(self, id: UUID) -> Case | None: ...

    async def list(self, wanted: Wanted) -> Docket:
        """The oldest first: nobody waits for ever. Raises Validation for a cursor that is none."""
        ...


def project(case: Case | None, recorded: Recorded[Any]) -> Case | None:
    event = recorded.event
    if isinstance(event, ReportFiled):
        said = event.personal
        return Case(
            id=recorded.stream_id,
            version=recorded.version,
            image_id=event.image_id,
            reason=event.reason,
            details=said.details if said else "",
            email=said.email if said else None,
            reporter_id=AccountId(recorded.by),
            filed_at=recorded.at,
        )
    if case is None or isinstance(event, ReportErased):
        return None
    if not isinstance(event, ReportResolved):
        return replace(case, version=recorded.version)
    return replace(
        case,
        version=recorded.version,
        resolution=event.resolution,
        resolved_by=AccountId(recorded.by),
        resolved_at=recorded.at,
        verdict=event.personal.reason if event.personal else "",
    )
