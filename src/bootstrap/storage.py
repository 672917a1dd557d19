"""Whether the object store holds what the log speaks of, and nothing else."""

from collections import Counter
from datetime import timedelta

import msgspec

from adapters.reaping import LogHistories
from adapters.recipe import RECIPE
from adapters.storage import PostgresCatalogue
from bootstrap import Core, now
from projections.inspection import Finding, Inspector, Report
from projections.repair import Mender
from settings import Settings


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    checked: dict[str, int]
    findings: list[Finding]
    forgotten: int = 0
    """Objects whose time in quarantine was over."""


async def check(
    settings: Settings, report: Report, *, repair: bool, deep: bool, grace: timedelta
) -> Checked:
    core, counted = Core(settings), Counter[str]()

    def count(what: str, more: int) -> None:
        counted[what] += more
        report(what, more)

    async with core.opened():
        catalogue = PostgresCatalogue(core.database)
        inspector = Inspector(
            catalogue=catalogue,
            histories=LogHistories(core.log),
            objects=core.objects,
            now=now,
            grace=grace,
            recipe=RECIPE,
            report=count,
        )
        findings = [finding async for finding in inspector.findings(deep=deep)]
        forgotten = 0
        if repair:
            mender = Mender(inspector=inspector, catalogue=catalogue, objects=core.objects, now=now)
            findings = await mender.mend(findings)
            forgotten = await mender.forget()
    return Checked(checked=dict(counted), findings=findings, forgotten=forgotten)
